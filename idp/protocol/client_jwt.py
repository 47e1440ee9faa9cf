"""JWTs that a client signed with its own key (RFC 7515, RFC 8725): request objects, and whatever else proves a client.

The algorithm is one of those that the caller names, never one that the header alone chose, and keys that a token
carries along are never used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import CompactSignature

ALGORITHMS: Final = ("ES256", "PS256", "RS256")
LONGEST = 16_384
"""Characters."""
SMALLEST_RSA = 2048
"""Bits (RFC 7518, section 3.3)."""
MOST_KEYS = 8
"""Keys of one client that are tried for one token that names none."""

Key = ECKey | RSAKey


class InvalidClientJwt(ValueError):
    """It must not be believed; the message says why, and may be shown after the name of what it was."""


@dataclass(frozen=True, slots=True)
class Header:
    """By which key a token says it was signed."""

    alg: str
    kid: str | None


def header(token: str, *, algorithms: Collection[str]) -> Header:
    """What the header says, before anything is proven. Raises `InvalidClientJwt`."""
    found = _parsed(token).headers()
    alg, kid = found.get("alg"), found.get("kid")
    if not isinstance(alg, str) or alg not in algorithms:
        raise InvalidClientJwt("must be signed by an algorithm that is registered of this client")
    if kid is not None and not isinstance(kid, str):
        raise InvalidClientJwt("has no readable kid")
    return Header(alg, kid)


def verified(token: str, keys: Sequence[Key], *, algorithms: Collection[str], types: Collection[str]) -> dict[str, Any]:
    """The claims, once one of the keys verifies the signature. Raises `InvalidClientJwt`.

    `types` are the values of `typ` that are taken, in lower case and without `application/`; none is taken, too.
    """
    alg = header(token, algorithms=algorithms).alg
    signature = _parsed(token)
    protected = signature.headers()
    if "crit" in protected or "b64" in protected:
        raise InvalidClientJwt("holds a critical header that is not understood")
    typ = protected.get("typ", "jwt")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in types:
        raise InvalidClientJwt("is a token of another type")
    if not any(_signed_by(signature, key, alg) for key in keys[:MOST_KEYS]):
        raise InvalidClientJwt("is not signed by a key that is registered of this client")
    try:
        return msgspec.json.decode(signature.payload, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        raise InvalidClientJwt("has no readable claims") from None


def fitting(jwks: Mapping[str, object], kid: str | None, alg: str) -> list[Key]:
    """The public keys of a JWK Set (RFC 7517, section 5) that may have signed by `alg`; those that cannot be are
    passed over. A `kid` that is named must be the key's."""
    listed = jwks.get("keys")
    entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    if kid is not None:
        entries = [entry for entry in entries if entry.get("kid") == kid]
    keys = [_key(entry, alg) for entry in entries if _may_verify(entry, alg)]
    return [key for key in keys if key is not None]


def _parsed(token: str) -> CompactSignature:
    if len(token) > LONGEST:
        raise InvalidClientJwt("is too long")
    try:
        return jws.extract_compact(token.encode("ascii"))
    except (JoseError, ValueError, RecursionError):
        raise InvalidClientJwt("is no signed JWT") from None


def _signed_by(signature: CompactSignature, key: Key, alg: str) -> bool:
    try:
        return jws.validate_compact(signature, key, algorithms=[alg])
    except (JoseError, ValueError):
        return False


def _may_verify(entry: Mapping[str, object], alg: str) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return (
        entry.get("use", "sig") == "sig"
        and entry.get("alg", alg) == alg
        and isinstance(operations, list)
        and "verify" in operations
    )


def _key(entry: Mapping[str, object], alg: str) -> Key | None:
    members = ("crv", "x", "y") if alg == "ES256" else ("n", "e")
    public = {name: str(entry[name]) for name in members if isinstance(entry.get(name), str)}
    if len(public) != len(members):
        return None
    try:
        if alg == "ES256":
            return ECKey.import_key({"kty": "EC", **public}) if public["crv"] == "P-256" else None
        key = RSAKey.import_key({"kty": "RSA", **public})
    except (JoseError, ValueError, TypeError):
        return None
    return key if key.raw_value.key_size >= SMALLEST_RSA else None
