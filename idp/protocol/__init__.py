"""The pure rules of the specifications: errors, redirect URIs, PKCE, the claims of tokens, assurance.

Owns: what RFC 6749, 7636, 9068, 9207 and OpenID Connect Core say, as functions of values.

Does not own: storage, the web, keys, time or randomness: all of them are arguments.
"""
