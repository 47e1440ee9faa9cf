"""The gateway as a relying party of the identity provider (OIDC Core 1.0, code flow with PKCE).

Owns: what is known of the provider, sign-in and its callback, the cookie sessions that come of it, their refresh and
their end.

Does not own: pages (`gateway.session_pages`), nor whether a session lives (`gateway.sessions.session_check`).
"""
