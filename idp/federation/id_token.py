"""Is this ID token the upstream's answer to our question? (OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725)"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jws import CompactSignature

from idp.federation.discovery import UpstreamKeys
from idp.federation.problems import UpstreamUnsound

LONGEST = 16_384
"""Characters of a token; anything longer is refused before it is parsed."""
CLOCK_SKEW = 30.0
"""Seconds by which another machine's clock may be ahead. `exp` has no such grace."""
OLDEST = 600.0
"""Seconds since `iat`; it was asked for a moment ago."""


class UnknownKey(UpstreamUnsound):
    """The key set has no key of this name: perhaps it is newer than the set."""


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
    keys: UpstreamKeys,
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
    raw = _payload(_parse(token), keys, algorithms)
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
        _expect(hmac.compare_digest(claims.at_hash.encode(), at_hash(access_token).encode()), "another access token")
    return claims, raw


def at_hash(access_token: str) -> str:
    """The left half of the access token's digest (OIDC Core 1.0, section 3.1.3.6); each algorithm here has SHA-256."""
    digest = hashlib.sha256(access_token.encode("ascii", "replace")).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def _parse(token: str) -> CompactSignature:
    _expect(len(token) <= LONGEST, "too long")
    try:
        return jws.extract_compact(token.encode("ascii"))
    except (JoseError, ValueError) as error:
        raise UpstreamUnsound("ID token: not a signed token") from error


def _payload(signature: CompactSignature, keys: UpstreamKeys, algorithms: Collection[str]) -> dict[str, Any]:
    header = signature.headers()
    algorithm, kid, typ = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    _expect(isinstance(algorithm, str) and algorithm in algorithms, "signed by an algorithm that is not taken")
    _expect("crit" not in header, "critical extensions")
    _expect(isinstance(typ, str) and typ.lower().removeprefix("application/") == "jwt", "a token of another kind")
    _expect(isinstance(kid, str), "no key is named")
    found = keys.get(str(kid))
    if found is None:
        raise UnknownKey("ID token: of an unknown key")
    _expect(algorithm in found.algorithms, "signed by an algorithm that is not the key's")
    try:
        sound = jws.validate_compact(signature, found.key, algorithms=[str(algorithm)])
    except (JoseError, ValueError) as error:
        raise UpstreamUnsound(f"ID token: {type(error).__name__}") from error
    _expect(sound, "the signature is wrong")
    try:
        return msgspec.json.decode(signature.payload, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UpstreamUnsound("ID token: not JSON") from error


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise UpstreamUnsound(f"ID token: {otherwise}")
