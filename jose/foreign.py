"""JWTs that others sign with keys of their own (RFC 7515, RFC 8725): clients, transmitters of signals, other providers.

Everything here comes from strangers. A key is believed as far as whoever asks has it from a registration, from where
its owner publishes it, or as the key that a proof is about; algorithms are pinned to three, RSA keys have 2048 bits at
least (RFC 7518, section 3.3). A key that a token carries along proves nothing of itself; any `crit` is refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec
from joserfc import jws as joserfc_jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from jose.jws import MAX_LENGTH, InvalidToken, Refusal

ALGORITHMS: Final = ("ES256", "RS256", "PS256")
"""Asymmetric ones alone: what both sides know proves nothing about one of them."""
SMALLEST_RSA: Final = 2048
LARGEST_RSA: Final = 8192
"""Bits: a larger key costs whoever verifies more than whoever made it up."""
SMALLEST_EXPONENT: Final = 65_537
LARGEST_EXPONENT: Final = 2**32
MOST_KEYS: Final = 64
"""Of one set."""
AHEAD: Final = 10.0
"""Seconds by which the clock of a client may be ahead of ours (FAPI 2.0 Security Profile, section 5.3.2.1, item 13)."""

_PUBLIC = {"EC": ("kty", "crv", "x", "y"), "RSA": ("kty", "n", "e")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_FITTING = {"EC": frozenset({"ES256"}), "RSA": frozenset({"RS256", "PS256"})}


class UnknownKey(InvalidToken):
    """None of the keys is the one that a token names: whoever has them from an address may look there anew."""

    def __init__(self) -> None:
        super().__init__(Refusal.UNKNOWN_KEY)


class _Registry(JWSRegistry):
    """A header that bears a key, or its certificates, is larger than joserfc expects; `MAX_LENGTH` bounds all of it."""

    max_header_length = MAX_LENGTH
    max_signature_length = 2048


_REGISTRY = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


class ForeignKey:
    """A public key of somebody else: EC on P-256, or RSA."""

    __slots__ = ("_algorithms", "_key", "kid", "kty", "thumbprint")

    def __init__(self, jwk: Mapping[str, object]) -> None:
        """From a JWK (RFC 7517). Raises `ValueError`: of another kind, too weak, private, or not for signatures."""
        kty = jwk.get("kty")
        if not isinstance(kty, str) or kty not in _PUBLIC or not _PRIVATE.isdisjoint(jwk):
            raise ValueError("not a public EC or RSA key")
        named, operations = jwk.get("alg"), jwk.get("key_ops", ["verify"])
        if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
            raise ValueError("not a key for signatures")
        self._algorithms = frozenset(name for name in _FITTING[kty] if named in (None, name))
        if not self._algorithms:
            raise ValueError("of no algorithm that is taken")
        members = {name: jwk.get(name) for name in _PUBLIC[kty]}
        texts = {name: value for name, value in members.items() if isinstance(value, str)}
        if texts != members:
            raise ValueError("a member is missing")
        self.kty = kty
        kid = jwk.get("kid")
        self.kid = kid if isinstance(kid, str) else None
        try:
            self._key = _elliptic(texts) if kty == "EC" else _rsa(texts)
            self.thumbprint = self._key.thumbprint()
        except (JoseError, TypeError) as error:
            raise ValueError("the key cannot be read") from error

    @property
    def spki(self) -> bytes:
        """The DER of its SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7)."""
        return self._key.as_der(private=False)

    def fits(self, algorithm: str) -> bool:
        """Whether signatures of this algorithm can be this key's."""
        return algorithm in self._algorithms

    def verifies(self, token: ForeignToken) -> bool:
        """Whether this key signed a token."""
        if not self.fits(token.algorithm):
            return False
        try:
            return joserfc_jws.validate_compact(token.signature, self._key, registry=_REGISTRY)
        except (JoseError, ValueError):
            return False

    def __repr__(self) -> str:
        return f"ForeignKey({self.thumbprint})"


class ForeignToken:
    """A compact JWS, taken apart and not believed yet."""

    __slots__ = ("algorithm", "claims", "header", "signature")

    def __init__(self, token: str, *, algorithms: Collection[str] = ALGORITHMS) -> None:
        """Raises `InvalidToken`: it is no JWT, is not signed by one of `algorithms`, or demands an extension."""
        if len(token) > MAX_LENGTH:
            raise InvalidToken(Refusal.MALFORMED)
        try:
            self.signature = joserfc_jws.extract_compact(token.encode("ascii"), registry=_REGISTRY)
        except (JoseError, ValueError, RecursionError) as error:
            raise InvalidToken(Refusal.MALFORMED) from error
        self.header: Mapping[str, object] = self.signature.headers()
        algorithm = self.header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in algorithms or algorithm not in ALGORITHMS:
            raise InvalidToken(Refusal.ALGORITHM)
        self.algorithm = algorithm
        if "crit" in self.header or "b64" in self.header:
            raise InvalidToken(Refusal.CRITICAL)
        try:
            self.claims = msgspec.json.decode(self.signature.payload, type=dict[str, object])
            if not _is_counted(self.claims):
                raise InvalidToken(Refusal.CLAIMS)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise InvalidToken(Refusal.CLAIMS) from error

    @property
    def typ(self) -> str:
        """The media type in lower case, without `application/` (RFC 7515, section 4.1.9); empty: none is named."""
        typ = self.header.get("typ", "")
        return typ.lower().removeprefix("application/") if isinstance(typ, str) else "not a string"

    def check_signature(self, keys: Iterable[ForeignKey]) -> None:
        """Raises `InvalidToken` unless one of the keys signed it, `UnknownKey` where none of them is the one it names.

        A key without a name may be the one that is named: the name is a hint (RFC 7515, section 4.1.4).
        """
        kid = self.header.get("kid")
        fitting = [key for key in keys if key.fits(self.algorithm) and (kid is None or key.kid in (None, kid))]
        if any(key.verifies(self) for key in fitting):
            return
        named = kid is not None and any(key.kid == kid for key in fitting)
        raise InvalidToken(Refusal.SIGNATURE) if named else UnknownKey

    def text(self, name: str) -> str | None:
        """A claim that is a string."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else None

    def moment(self, name: str) -> float | None:
        """A claim that is a NumericDate (RFC 7519, section 2)."""
        value = self.claims.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _is_counted(value: object) -> bool:
    """Whether every whole number has 64 bits at most (RFC 8259, section 6): with larger ones nobody reckons alike, and
    a float cannot hold them."""
    match value:
        case int():
            return abs(value) < 2**63
        case dict():
            return all(_is_counted(one) for one in value.values())
        case list():
            return all(_is_counted(one) for one in value)
    return True


def read_jwks(document: bytes) -> list[object]:
    """The keys of a JWK Set (RFC 7517, section 5) as they are. Raises `ValueError`: it is none, or one of too many."""
    try:
        listed = msgspec.json.decode(document, type=dict[str, object]).get("keys")
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError("not a JWK Set") from error
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise ValueError("not a JWK Set of so many keys")
    return listed


def usable(jwks: Iterable[object]) -> tuple[ForeignKey, ...]:
    """The keys that verify here; others of a set may be for other things (RFC 7517, section 5)."""
    found = []
    for jwk in jwks:
        if isinstance(jwk, Mapping):
            try:
                found.append(ForeignKey(jwk))
            except ValueError:
                continue
    return tuple(found)


def _elliptic(members: dict[str, str]) -> ECKey:
    if members["crv"] != "P-256":
        raise ValueError("not on P-256")
    return ECKey.import_key(dict(members))


def _rsa(members: dict[str, str]) -> RSAKey:
    bits = _number(members["n"]).bit_length()
    if not (SMALLEST_RSA <= bits <= LARGEST_RSA and SMALLEST_EXPONENT <= _number(members["e"]) < LARGEST_EXPONENT):
        raise ValueError("too small, or too large")
    return RSAKey.import_key(dict(members))


def _number(text: str) -> int:
    if len(text) > LARGEST_RSA // 4:
        raise ValueError("too large")
    try:
        return int.from_bytes(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
