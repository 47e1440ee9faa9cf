"""The way in: the sign-in page, remembered browsers, the way back by mail, and stale pages that begin again.

Owns: `/sign-in`, `/recover`, the cookie of a remembered browser, what a failed sign-in is told and offered.

Does not own: what comes after the first factor (`login`), the rules of passwords and throttling (`idp.credentials`).
"""
