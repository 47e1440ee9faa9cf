"""Keys that sign and keys that verify, named by thumbprint (RFC 7638).

ECDSA on P-256 (ES256, RFC 7518 section 3.4) signs everything; RSA (RS256, section 3.3) signs the ID tokens of clients
that ask for it, because OpenID Connect Core 1.0, section 15.1, wants every provider to have it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, RSAKey
from joserfc.util import base64_to_int

Purpose = Literal["token", "assertion", "policy"]
"""What a key may sign. A key of one purpose is never given out for another."""
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

Algorithm = Literal["ES256", "RS256"]
"""A key has one algorithm, by its type; nothing that a token says changes that (RFC 8725, section 3.1)."""
ES256: Algorithm = "ES256"
RS256: Algorithm = "RS256"
ALGORITHMS: tuple[Algorithm, ...] = (ES256, RS256)
ALGORITHMS_OF: Mapping[Purpose, tuple[Algorithm, ...]] = {
    "token": ALGORITHMS,
    "assertion": (ES256,),
    "policy": (ES256,),
}
"""Each purpose has one key that signs for each of these."""

CURVE = "P-256"
RSA_SIZE = 3072
"""Bits of an RSA key that is made here: 128 bits of strength, as P-256 has (NIST SP 800-57, table 2)."""
SMALLEST_RSA, LARGEST_RSA = 2048, 8192
"""Bits of an RSA key that is taken: RFC 7518, section 3.3, and what one verification may cost."""
_PUBLIC_MEMBERS: Mapping[Algorithm, tuple[str, ...]] = {ES256: ("kty", "crv", "x", "y"), RS256: ("kty", "n", "e")}


_SHA256: Final = SHA256()
_ECDSA: Final = ECDSA(_SHA256)
_PKCS1: Final = PKCS1v15()
_COORDINATE: Final = 32
"""Bytes of each half of a signature on P-256."""


class PublicKey:
    """A key that verifies. Its `kid` is its thumbprint and its algorithm that of its type, whatever a JWK claims."""

    __slots__ = ("_public", "algorithm", "key", "kid")

    def __init__(self, jwk: Mapping[str, object]) -> None:
        """From a JWK (RFC 7517); raises `ValueError` unless it is an EC key on P-256, or an RSA key of 2048 bits or
        more."""
        self.algorithm = _algorithm(jwk)
        public = {name: str(jwk[name]) for name in _PUBLIC_MEMBERS[self.algorithm]}
        self.key: ECKey | RSAKey
        if self.algorithm == ES256:
            self.key = ECKey.import_key({**public})
        else:
            if not SMALLEST_RSA <= base64_to_int(public["n"]).bit_length() <= LARGEST_RSA:
                raise ValueError("an RSA key of a size that is not taken")
            self.key = RSAKey.import_key({**public})
        self.kid = self.key.thumbprint()
        self._public = self.key.public_key

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether that is this key's signature, by its algorithm, as a JWS has it (RFC 7518, sections 3.3 and 3.4)."""
        public = self._public
        try:
            if isinstance(public, EllipticCurvePublicKey):
                if len(signature) != 2 * _COORDINATE:
                    return False
                r, s = (int.from_bytes(half, "big") for half in (signature[:_COORDINATE], signature[_COORDINATE:]))
                public.verify(encode_dss_signature(r, s), message, _ECDSA)
            else:
                public.verify(signature, message, _PKCS1, _SHA256)
        except InvalidSignature:
            return False
        return True

    def jwk(self) -> dict[str, str]:
        """The JWK, as a JWKS publishes it."""
        members = self.key.as_dict(private=False)
        return {
            **{name: str(members[name]) for name in _PUBLIC_MEMBERS[self.algorithm]},
            "kid": self.kid,
            "use": "sig",
            "alg": self.algorithm,
        }

    def __repr__(self) -> str:
        return f"PublicKey({self.kid})"


def _algorithm(jwk: Mapping[str, object]) -> Algorithm:
    if jwk.get("kty") == "EC" and jwk.get("crv") == CURVE:
        return ES256
    if jwk.get("kty") == "RSA":
        return RS256
    raise ValueError("neither an EC key on P-256 nor an RSA key")


class SigningKey:
    """A private key. It shows its `kid`, never itself."""

    __slots__ = ("_private", "algorithm", "key", "kid", "public")

    def __init__(self, key: ECKey | RSAKey) -> None:
        self.key = key
        self.public = PublicKey(key.as_dict(private=False))
        self.kid = self.public.kid
        self.algorithm = self.public.algorithm
        self._private = key.private_key

    def signature(self, message: bytes) -> bytes:
        """By this key's algorithm, as a JWS has it (RFC 7518, sections 3.3 and 3.4)."""
        private = self._private
        if isinstance(private, EllipticCurvePrivateKey):
            r, s = decode_dss_signature(private.sign(message, _ECDSA))
            return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")
        if isinstance(private, RSAPrivateKey):
            return private.sign(message, _PKCS1, _SHA256)
        raise TypeError("not a private key")

    @classmethod
    def generate(cls, algorithm: Algorithm = ES256) -> SigningKey:
        """A new key from the operating system's generator. An RSA key takes up to some seconds of one core."""
        return cls(ECKey.generate_key(CURVE) if algorithm == ES256 else RSAKey.generate_key(RSA_SIZE))

    @classmethod
    def from_private_bytes(cls, private: bytes) -> SigningKey:
        """The key that `private_bytes` wrote, after it was opened."""
        jwk = msgspec.json.decode(private, type=dict[str, str | list[str]])
        return cls(ECKey.import_key(jwk) if _algorithm(jwk) == ES256 else RSAKey.import_key(jwk))

    def private_bytes(self) -> bytes:
        """The private JWK as JSON: a secret, to be sealed by `config.envelope` before it goes anywhere."""
        return msgspec.json.encode(self.key.as_dict(private=True))

    def __repr__(self) -> str:
        return f"SigningKey({self.kid}, [secret])"


PublicKeys = Mapping[str, PublicKey]
"""Keys that verify, by `kid`."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one purpose: those that sign now, one for each algorithm, and all that verify (next, active,
    retiring)."""

    signers: Mapping[Algorithm, SigningKey]
    public: PublicKeys

    @property
    def active(self) -> SigningKey:
        """The one that signs by ES256."""
        return self.signers[ES256]

    def signer(self, algorithm: Algorithm) -> SigningKey:
        """The one that signs by this algorithm. Raises `LookupError` where the purpose has none."""
        return self.signers[algorithm]

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The JWK Set (RFC 7517 section 5) that a JWKS endpoint answers."""
        return {"keys": [key.jwk() for key in self.public.values()]}

    @classmethod
    def of(cls, active: SigningKey, *others: SigningKey) -> KeyRing:
        """A ring of keys that sign, each by an algorithm of its own."""
        signers = (active, *others)
        return cls({key.algorithm: key for key in signers}, {key.kid: key.public for key in signers})
