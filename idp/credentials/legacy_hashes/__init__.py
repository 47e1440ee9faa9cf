"""Hashes that other systems made of passwords: read, kept or wrapped, and compared until their people sign in.

Owns: which schemes are taken (`schemes`), how each is computed, which are too weak to lie as they came, and the form in
which they are stored (`stored`).

Does not own: today's scheme, nor the pool that all of them are computed in (`idp.credentials.password`); files of
people (`idp.importing`).
"""
