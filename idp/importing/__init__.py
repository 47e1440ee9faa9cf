"""People of other systems brought in, by a file.

Owns: how files of people are read and checked, batches of them (begun, gone on with, compared, undone), and how weak
hashes are wrapped.

Does not own: the hashes themselves (`idp.credentials.legacy_hashes`), nor what people are (`idp.directory`).
"""
