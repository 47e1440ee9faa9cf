"""The logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4)."""

from __future__ import annotations

TYP = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = 120
"""Seconds: the specification wants no more than two minutes."""


def claims(*, issuer: str, audience: str, subject: str, sid: str, jti: str, issued_at: int) -> dict[str, object]:
    """The claims. Never a `nonce`: without one, nobody can take it for an ID token."""
    return {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "sid": sid,
        "iat": issued_at,
        "exp": issued_at + LIFETIME,
        "jti": jti,
        "events": {EVENT: {}},
    }
