"""Is this ID token the upstream's answer to our question? (OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725)"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from idp.federation.problems import UpstreamUnsound
from idp.protocol.id_token import at_hash
from jose.foreign import ForeignKey, ForeignToken, UnknownKey
from jose.jws import InvalidToken

CLOCK_SKEW = 30.0
"""Seconds by which another machine's clock may be ahead. `exp` has no such grace."""
OLDEST = 600.0
"""Seconds since `iat`; it was asked for a moment ago."""


class IdTokenClaims(msgspec.Struct, frozen=True):
    """What is read of it."""

    iss: str
    sub: str
    aud: str | tuple[str, ...]
    exp: float
    iat: float
    nonce: str
    nbf: float = 0.0
    azp: str | None = None
    at_hash: str | None = None
    auth_time: float | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()


def verify_id_token(
    token: str,
    keys: Iterable[ForeignKey],
    *,
    expected_issuer: str,
    expected_client: str,
    expected_nonce: str,
    algorithms: Collection[str],
    access_token: str,
    now: float,
) -> tuple[IdTokenClaims, Mapping[str, Any]]:
    """The claims, those that are read and all of them.

    `algorithms` are those that the upstream and this house both take. Raises `UpstreamUnsound`; `UnknownKey` where the
    keys may be fetched anew, and the token be tried again.
    """
    raw = _payload(token, keys, algorithms)
    try:
        claims = msgspec.convert(raw, IdTokenClaims)
    except msgspec.ValidationError as error:
        raise UpstreamUnsound(f"ID token: {error}") from error
    audience = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    _expect(claims.iss == expected_issuer, "another issuer")
    _expect(expected_client in audience, "another audience")
    _expect(claims.azp == expected_client or (claims.azp is None and len(audience) == 1), "another party is authorized")
    _expect(now < claims.exp, "expired")
    _expect(now - OLDEST < claims.iat <= now + CLOCK_SKEW and claims.nbf <= now + CLOCK_SKEW, "of another time")
    _expect(hmac.compare_digest(claims.nonce.encode(), expected_nonce.encode()), "another nonce")
    _expect(0 < len(claims.sub) <= 255 and claims.sub.isascii() and claims.sub.isprintable(), "not a subject")
    if claims.at_hash is not None:
        _expect(access_token.isascii(), "another access token")
        _expect(hmac.compare_digest(claims.at_hash.encode(), at_hash(access_token).encode()), "another access token")
    return claims, raw


def _payload(token: str, keys: Iterable[ForeignKey], algorithms: Collection[str]) -> dict[str, Any]:
    try:
        found = ForeignToken(token, algorithms=algorithms)
        _expect(found.typ in ("", "jwt"), "a token of another kind")
        _expect(isinstance(found.header.get("kid"), str), "no key is named")
        found.check_signature(keys)
    except UnknownKey:
        raise
    except InvalidToken as error:
        raise UpstreamUnsound(f"ID token: {error}") from error
    return found.claims


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise UpstreamUnsound(f"ID token: {otherwise}")
