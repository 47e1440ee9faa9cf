"""Signed JWTs (RFC 7515, RFC 7519), made one way and verified strictly (RFC 8725).

The key is chosen by `kid` among keys given by the caller, and the algorithm is that key's, never the token's word for
it; the caller says which algorithms it takes at all, ES256 alone unless told otherwise. The type, issuer and audience
are expected by name, and a token is expired at `exp`, not after it. Keys that a token carries along (`jwk`, `jku`,
`x5c`, `x5u`) are never used; any `crit` is refused, since no extension is understood here.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, TypeGuard

import msgspec
from joserfc.errors import DecodeError, JoseError
from joserfc.jws import default_registry
from joserfc.util import urlsafe_b64decode

from jose.keys import ES256, Algorithm, KeyRing, PublicKeys, SigningKey

CLOCK_SKEW = 5.0
"""Seconds by which `iat` and `nbf` may lie ahead of this machine's clock. `exp` has no such grace."""
MAX_LENGTH = 16_384
"""Characters of a token; anything longer is refused before it is parsed."""


class Refusal(StrEnum):
    """Why a token was refused: for the log; whoever sent it learns only that it was."""

    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    CRITICAL = "critical"
    TYPE = "type"
    UNKNOWN_KEY = "unknown_key"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET = "not_yet"


class InvalidToken(Exception):
    """A token that must not be believed, and why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


def sign(key: SigningKey, claims: Mapping[str, object], *, typ: str) -> str:
    """Sign `claims` as a compact JWS of the given `typ`. Claims are JSON values; `iat` and `exp` are the caller's."""
    # without joserfc's registry of algorithms, which takes as long as the signature: key and header are ours
    signed = _header(key.algorithm, typ, key.kid) + b"." + _segment(msgspec.json.encode(claims))
    return (signed + b"." + _segment(key.signature(signed))).decode("ascii")


@lru_cache(maxsize=64)
def _header(algorithm: Algorithm, typ: str, kid: str) -> bytes:
    return _segment(msgspec.json.encode({"alg": algorithm, "typ": typ, "kid": kid}))


def _segment(octets: bytes) -> bytes:
    """RFC 7515, section 2: base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def verify(
    token: str,
    keys: PublicKeys | KeyRing,
    *,
    expected_typ: str,
    expected_issuer: str,
    expected_audience: str,
    now: float,
    algorithms: Collection[Algorithm] = (ES256,),
) -> dict[str, object]:
    """The claims of a token that is sound at `now` (epoch seconds), signed by a key of one of `algorithms`.

    Raises `InvalidToken`. With `Refusal.UNKNOWN_KEY` the caller may fetch the keys anew, not too often, and try again.
    """
    parts = _parse(token)
    _check_header(parts.header, expected_typ, algorithms)
    claims = _payload(parts, keys.public if isinstance(keys, KeyRing) else keys, algorithms)
    check_claims(claims, expected_issuer=expected_issuer, expected_audience=expected_audience, now=now)
    return claims


def named_key(token: str) -> str:
    """The `kid` that a token names, to know whose it is and not to believe it; empty where it names none."""
    try:
        kid = _parse(token).header.get("kid")
    except InvalidToken:
        return ""
    return kid if isinstance(kid, str) else ""


def check_claims(claims: Mapping[str, object], *, expected_issuer: str, expected_audience: str, now: float) -> None:
    """The part of `verify` that must be asked again whenever verified claims are used later: a cache asks it too."""
    expires, issued, starts = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
    if not (_is_moment(expires) and _is_moment(issued) and _is_moment(starts)):
        raise InvalidToken(Refusal.CLAIMS)
    if claims.get("iss") != expected_issuer:
        raise InvalidToken(Refusal.ISSUER)
    audience = claims.get("aud")
    if audience != expected_audience and not (isinstance(audience, list) and expected_audience in audience):
        raise InvalidToken(Refusal.AUDIENCE)
    if now >= expires:  # RFC 7519 section 4.1.4: "on or after which" it is not accepted
        raise InvalidToken(Refusal.EXPIRED)
    if issued > now + CLOCK_SKEW or starts > now + CLOCK_SKEW:
        raise InvalidToken(Refusal.NOT_YET)


class _Parts(NamedTuple):
    """A compact JWS (RFC 7515, section 7.1)."""

    header: Mapping[str, object]
    header_segment: bytes
    payload: bytes
    signature_segment: bytes
    signed: bytes
    """What the signature is of."""


def _parse(token: str) -> _Parts:
    if len(token) > MAX_LENGTH:
        raise InvalidToken(Refusal.MALFORMED)
    try:
        if token.count(".") != 2:
            raise DecodeError("not three segments")
        signed, _, signature = token.encode("ascii").rpartition(b".")
        header, _, payload = signed.partition(b".")
        default_registry.validate_header_size(header)
        default_registry.validate_signature_size(signature)
        return _Parts(_header_of(header), header, urlsafe_b64decode(payload), signature, signed)
    except (JoseError, ValueError) as error:
        raise InvalidToken(Refusal.MALFORMED) from error


@lru_cache(maxsize=256)
def _header_of(segment: bytes) -> Mapping[str, object]:
    """Tokens of one key begin alike. Raises `JoseError`, `ValueError`."""
    header = msgspec.json.decode(urlsafe_b64decode(segment), type=dict[str, object])
    if "alg" not in header:
        raise DecodeError("no algorithm")
    return header


@lru_cache(maxsize=256)
def _require_known_members(segment: bytes) -> None:
    """Raise `JoseError` unless every member of a header is one that RFC 7515 names, and of its type."""
    default_registry.check_header(dict(_header_of(segment)))


def _check_header(header: Mapping[str, object], expected_typ: str, algorithms: Collection[Algorithm]) -> None:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise InvalidToken(Refusal.ALGORITHM)
    if "crit" in header:
        raise InvalidToken(Refusal.CRITICAL)
    typ = header.get("typ")
    # RFC 7515 section 4.1.9: a media type, case-insensitive, whose `application/` may be left out
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != expected_typ.lower():
        raise InvalidToken(Refusal.TYPE)


def _payload(parts: _Parts, keys: PublicKeys, algorithms: Collection[Algorithm]) -> dict[str, object]:
    header = parts.header
    kid = header.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise InvalidToken(Refusal.UNKNOWN_KEY)
    if key.algorithm not in algorithms or header["alg"] != key.algorithm:
        raise InvalidToken(Refusal.ALGORITHM)
    try:
        _require_known_members(parts.header_segment)
    except JoseError as error:
        raise InvalidToken(Refusal.MALFORMED) from error
    try:
        signature = urlsafe_b64decode(parts.signature_segment)
    except ValueError as error:
        raise InvalidToken(Refusal.SIGNATURE) from error
    if not key.verifies(signature, parts.signed):
        raise InvalidToken(Refusal.SIGNATURE)
    try:
        return msgspec.json.decode(parts.payload, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise InvalidToken(Refusal.CLAIMS) from error


def _is_moment(value: object) -> TypeGuard[float]:
    """A NumericDate (RFC 7519 section 2); JSON's true is not one."""
    return isinstance(value, int | float) and not isinstance(value, bool)
