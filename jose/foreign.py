"""Signed JWTs of others (RFC 7515, RFC 8725): by keys that they publish, by algorithms that are listed here.

ES256, RS256 and PS256, each with keys of its own kind alone; a key is chosen by `kid` among those of the JWK Set, and
by what the set itself says of it. Keys that a token carries along are never used; any `crit` is refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from joserfc import jws as joserfc_jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from jose.jws import CLOCK_SKEW as CLOCK_SKEW
from jose.jws import MAX_LENGTH, InvalidToken, Refusal

ALGORITHMS: Final[Mapping[str, str]] = {"ES256": "EC", "RS256": "RSA", "PS256": "RSA"}
"""Which signs with a key of which kind."""
LEAST_BITS = 2048
"""Of an RSA modulus (RFC 7518, sections 3.3 and 3.5)."""
MOST_BITS = 8192
"""A larger one only costs time."""
MOST_KEYS = 64
_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {"EC": ("kty", "crv", "x", "y"), "RSA": ("kty", "n", "e")}


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A public key of somebody else."""

    key: ECKey | RSAKey
    kind: str
    algorithm: str
    """The only one that it serves; empty: each of its kind."""


class ForeignKeys:
    """The keys of a JWK Set (RFC 7517, section 5) that can verify here; the others are left out."""

    def __init__(self, keys: Mapping[tuple[str, str], ForeignKey]) -> None:
        self._keys = keys

    @classmethod
    def parse(cls, document: bytes) -> ForeignKeys:
        """Raises `ValueError` where it is no JWK Set."""
        try:
            listed = msgspec.json.decode(document, type=dict[str, object]).get("keys")
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise ValueError("not a JWK Set") from error
        if not isinstance(listed, list) or len(listed) > MOST_KEYS:
            raise ValueError("not a JWK Set of so many keys")
        keys: dict[tuple[str, str], ForeignKey] = {}
        for jwk in listed:
            found = _key(jwk) if isinstance(jwk, dict) else None
            if found is not None:
                keys.setdefault((jwk["kid"], found.kind), found)
        return cls(keys)

    def find(self, kid: str, algorithm: str) -> ForeignKey | None:
        """The key of this name for this algorithm."""
        found = self._keys.get((kid, ALGORITHMS[algorithm]))
        return found if found is not None and found.algorithm in ("", algorithm) else None


@dataclass(frozen=True, slots=True)
class ForeignToken:
    """A token that was read and not yet verified: believe nothing of it but which key it asks for."""

    kid: str
    algorithm: str
    _signature: joserfc_jws.CompactSignature

    def verified(self, key: ForeignKey) -> dict[str, object]:
        """Its claims, if this key signed it. Raises `InvalidToken`."""
        try:
            sound = joserfc_jws.validate_compact(self._signature, key.key, algorithms=[self.algorithm])
        except JoseError as error:
            raise InvalidToken(Refusal.MALFORMED) from error
        if not sound:
            raise InvalidToken(Refusal.SIGNATURE)
        try:
            return msgspec.json.decode(self._signature.payload, type=dict[str, object])
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise InvalidToken(Refusal.CLAIMS) from error


def read(token: str, *, expected_typ: str) -> ForeignToken:
    """A token of the expected type with an algorithm that is listed. Raises `InvalidToken`."""
    if len(token) > MAX_LENGTH:
        raise InvalidToken(Refusal.MALFORMED)
    try:
        signature = joserfc_jws.extract_compact(token.encode("ascii"))
    except (JoseError, ValueError, RecursionError) as error:
        raise InvalidToken(Refusal.MALFORMED) from error
    header = signature.headers()
    algorithm, kid, typ = header.get("alg"), header.get("kid"), header.get("typ")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise InvalidToken(Refusal.ALGORITHM)
    if "crit" in header:
        raise InvalidToken(Refusal.CRITICAL)
    # RFC 7515, section 4.1.9: a media type, case-insensitive, whose `application/` may be left out
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != expected_typ:
        raise InvalidToken(Refusal.TYPE)
    if not isinstance(kid, str) or not kid:
        raise InvalidToken(Refusal.UNKNOWN_KEY)
    return ForeignToken(kid, algorithm, signature)


def _key(jwk: Mapping[str, object]) -> ForeignKey | None:
    """A public key that may verify; `None` for any other."""
    kind, kid, algorithm = jwk.get("kty"), jwk.get("kid"), jwk.get("alg", "")
    if not isinstance(kid, str) or not isinstance(kind, str) or kind not in _MEMBERS:
        return None
    if algorithm and ALGORITHMS.get(str(algorithm)) != kind:
        return None
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    members = {name: jwk.get(name) for name in _MEMBERS[kind]}
    if not all(isinstance(value, str) for value in members.values()):
        return None
    public: dict[str, str | list[str]] = {name: str(value) for name, value in members.items()}
    try:
        if kind == "EC":
            if public["crv"] != "P-256":
                return None
            return ForeignKey(ECKey.import_key(public), kind, str(algorithm))
        if not LEAST_BITS <= _bits(str(public["n"])) <= MOST_BITS:
            return None
        return ForeignKey(RSAKey.import_key(public), kind, str(algorithm))
    except (JoseError, ValueError, TypeError):
        return None


def _bits(encoded: str) -> int:
    try:
        raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        return 0
    return int.from_bytes(raw, "big").bit_length()
