"""A small relying app whose OpenID Connect client did not come from our code: it is Authlib's own for Starlette.

It shows who is signed in, asks the provider whether that is still so, and signs out everywhere. Nothing here imports
anything of the identity provider: only discovery, HTTP, and a client id with its secret.
"""
