"""People of other systems brought in: by a file, or one by one when they first sign in.

Owns: how files of people are read and checked, batches of them (begun, gone on with, compared, undone), how weak hashes
are wrapped, and how an organisation's old system is asked about a password at its person's first sign-in.

Does not own: the hashes themselves (`idp.credentials.legacy_hashes`), nor what people are (`idp.directory`).
"""
