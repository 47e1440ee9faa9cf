"""The keys that a client registers by value (RFC 7591, section 2, `jwks`): public, asymmetric, strong enough."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import cast

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

MOST_KEYS = 20
LONGEST_MEMBER = 16_384
"""Characters of one member; a chain of certificates is the longest."""
LEAST_RSA_BITS = 2048
"""RFC 7518, section 3.3."""
MOST_RSA_BITS = 8192
"""Whoever presents a signature has us compute with it."""
_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KINDS: Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_SIGNS: Mapping[str, tuple[str, str | None]] = {
    "ES256": ("EC", "P-256"),
    "RS256": ("RSA", None),
    "PS256": ("RSA", None),
}


def fault_of(jwks: Mapping[str, object]) -> str | None:
    """What is wrong with a key set, in words that its client may be told; None where it is sound."""
    keys = jwks.get("keys")
    if set(jwks) != {"keys"} or not isinstance(keys, Sequence) or isinstance(keys, str):
        return "jwks must be an object whose one member is keys (RFC 7517, section 5)"
    if not 0 < len(keys) <= MOST_KEYS:
        return f"jwks must hold from 1 to {MOST_KEYS} keys"
    for key in keys:
        fault = _fault_of_key(key) if isinstance(key, Mapping) else "it is no object"
        if fault is not None:
            return f"jwks holds a key that cannot be taken: {fault}"
    return None


def can_sign(jwks: Mapping[str, Sequence[Mapping[str, object]]], algorithms: Sequence[str]) -> bool:
    """Whether a sound key set has a key for signatures by one of these algorithms."""
    return any(_signs_by(key, algorithm) for key in jwks["keys"] for algorithm in algorithms)


def _signs_by(key: Mapping[str, object], algorithm: str) -> bool:
    kind, curve = _SIGNS[algorithm]
    return (
        key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    )


def _fault_of_key(key: Mapping[str, object]) -> str | None:
    kind = _KINDS.get(str(key.get("kty")))
    if kind is None:
        return "kty must be RSA, EC or OKP"
    if _SECRET_MEMBERS & set(key):
        return "it is private; register the public half alone, and make a new pair"
    if not all(_is_short(value) for value in key.values()):
        return "a member is neither text, a list of texts nor a truth value, or is too long"
    try:
        if kind is RSAKey and not LEAST_RSA_BITS <= _bits(key.get("n")) <= MOST_RSA_BITS:
            return f"RSA has {LEAST_RSA_BITS} to {MOST_RSA_BITS} bits"
        _ = kind.import_key(cast("dict[str, str | list[str]]", dict(key))).raw_value
    except (JoseError, ValueError, TypeError, KeyError, OverflowError) as error:
        return f"it cannot be read ({type(error).__name__})"
    return None


def _bits(number: object) -> int:
    """Of a Base64urlUInt (RFC 7518, section 2)."""
    encoded = str(number)
    return int.from_bytes(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)), "big").bit_length()


def _is_short(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return isinstance(value, bool) or all(
        isinstance(one, str) and len(one) <= LONGEST_MEMBER and "\0" not in one for one in values
    )
