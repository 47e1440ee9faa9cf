"""Signing in by way of an organisation's own identity provider: the way there, the way back, the page of a link.

Owns: what these three do to a login. Does not own: whether an answer is to be believed (`idp.federation`).
"""
