"""The first page of a login, and every way that leads back to it: name and password, passkey, remembered, recovered.

Does not own: what comes after the first factor (`login`).
"""
