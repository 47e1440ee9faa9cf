"""What a client hands in for tokens: an authorization code, a refresh token.

Owns: the grants and the run of Authlib's core over what was loaded for it.

Does not own: the phases that all grants share, which stand in the token endpoint so that no grant can forget one; nor
the tokens themselves (`tokens`).
"""
