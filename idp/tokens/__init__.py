"""Tokens: the only mint, and the families of refresh tokens.

Owns: `Mint` (access tokens and ID tokens), `Family` and the judgement of a refresh token that is presented.

Does not own: why a token may be issued (`grants`), nor the keys (`jose`).
"""
