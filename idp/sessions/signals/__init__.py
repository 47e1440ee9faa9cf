"""Shared signals: what this transmitter tells subscribers, and the streams on which it does so.

Owns: security event tokens (RFC 8417) of CAEP, the configuration of a stream (OpenID Shared Signals Framework 1.0) and
what a receiver may change of it.

Does not own: how a token gets to its receiver (`idp.sessions.courier` pushes, `idp.endpoints.signals` answers polls).
"""
