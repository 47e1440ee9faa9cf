"""Is this ID token the answer to our question? (OIDC Core 1.0, section 3.1.3.7)"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec

from idp.protocol.assurance import level_of
from jose import jws
from jose.jws import InvalidToken, Refusal
from jose.keys import PublicKeys

TYPE = "JWT"
CLOCK_SKEW = 5.0
"""Seconds by which the provider's `auth_time` may seem too old: it is counted in whole seconds."""


class StepUpNotMet(Exception):
    """The provider signed somebody in, but not as surely or freshly as was asked (OIDC Core 1.0, section 3.1.2.1)."""


class IdTokenClaims(msgspec.Struct, frozen=True):
    """What the gateway reads of it."""

    sub: str
    sid: str
    nonce: str
    azp: str = ""
    acr: str = ""
    auth_time: float = 0.0
    name: str = ""
    locale: str = ""
    email: str = ""
    email_verified: bool = False


def verify_id_token(
    token: str,
    keys: PublicKeys,
    *,
    expected_issuer: str,
    expected_client: str,
    expected_nonce_sha256: bytes,
    expected_acr: str | None,
    max_age: int | None,
    now: float,
) -> IdTokenClaims:
    """The claims. Raises `InvalidToken`, or `StepUpNotMet` where only the assurance falls short."""
    raw: dict[str, Any] = jws.verify(
        token,
        keys,
        expected_typ=TYPE,
        expected_issuer=expected_issuer,
        expected_audience=expected_client,
        now=now,
    )
    try:
        claims = msgspec.convert(raw, IdTokenClaims)
    except msgspec.ValidationError as error:
        raise InvalidToken(Refusal.CLAIMS) from error
    if claims.azp not in ("", expected_client):
        raise InvalidToken(Refusal.AUDIENCE)
    if not hmac.compare_digest(hashlib.sha256(claims.nonce.encode()).digest(), expected_nonce_sha256):
        raise InvalidToken(Refusal.CLAIMS)
    if expected_acr is not None and level_of(claims.acr) < level_of(expected_acr):
        raise StepUpNotMet(claims.acr)
    if max_age is not None and now - claims.auth_time > max_age + CLOCK_SKEW:
        raise StepUpNotMet("auth_time")
    return claims
