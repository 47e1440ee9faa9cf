"""The shared-signals transmitter on the web: its metadata, receivers' streams, what they poll (SSF 1.0; RFC 8936).

A receiver is a registered client with the scope `ssf.manage`. It proves itself by its own credentials, in the header
(RFC 6749, section 2.3.1), at every request.

Does not own: what an event says (`idp.sessions.signals`), nor pushing it (`idp.sessions.courier`).
"""
