"""Shared signals that others send (OpenID Shared Signals Framework 1.0): whose, what they say, and what follows.

Owns: the transmitters of an organisation, the strict reading of a security event token (RFC 8417), whom it is about,
what follows from it, and polling (RFC 8936).

Does not own: the web side of a push (`idp.endpoints.signals.receive`), how a session ends (`idp.sessions.one_session`),
nor what this house tells others (`idp.sessions.signals`).
"""
