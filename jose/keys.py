"""Keys that sign and keys that verify: ECDSA on P-256 (ES256, RFC 7518 section 3.4), named by thumbprint (RFC 7638)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
from joserfc.jwk import ECKey

Purpose = Literal["token", "assertion", "policy"]
"""What a key may sign. A key of one purpose is never given out for another."""

ALGORITHM = "ES256"
CURVE = "P-256"
_PUBLIC_MEMBERS = ("kty", "crv", "x", "y")


class PublicKey:
    """A key that verifies. Its `kid` is its own thumbprint, whatever a JWK claims."""

    __slots__ = ("key", "kid")

    def __init__(self, jwk: Mapping[str, object]) -> None:
        """From a JWK (RFC 7517); raises `ValueError` unless it is a public EC key on P-256."""
        if jwk.get("kty") != "EC" or jwk.get("crv") != CURVE:
            raise ValueError("not an EC key on P-256")
        self.key = ECKey.import_key({name: str(jwk[name]) for name in _PUBLIC_MEMBERS})
        self.kid = self.key.thumbprint()

    def jwk(self) -> dict[str, str]:
        """The JWK, as a JWKS publishes it."""
        members = self.key.as_dict(private=False)
        return {
            **{name: str(members[name]) for name in _PUBLIC_MEMBERS},
            "kid": self.kid,
            "use": "sig",
            "alg": ALGORITHM,
        }

    def __repr__(self) -> str:
        return f"PublicKey({self.kid})"


class SigningKey:
    """A private key. It shows its `kid`, never itself."""

    __slots__ = ("key", "kid", "public")

    def __init__(self, key: ECKey) -> None:
        self.key = key
        self.public = PublicKey(key.as_dict(private=False))
        self.kid = self.public.kid

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the operating system's generator."""
        return cls(ECKey.generate_key(CURVE))

    @classmethod
    def from_private_bytes(cls, private: bytes) -> SigningKey:
        """The key that `private_bytes` wrote, after it was opened."""
        return cls(ECKey.import_key(msgspec.json.decode(private, type=dict[str, str | list[str]])))

    def private_bytes(self) -> bytes:
        """The private JWK as JSON: a secret, to be sealed by `config.envelope` before it goes anywhere."""
        return msgspec.json.encode(self.key.as_dict(private=True))

    def __repr__(self) -> str:
        return f"SigningKey({self.kid}, [secret])"


PublicKeys = Mapping[str, PublicKey]
"""Keys that verify, by `kid`."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one purpose: the one that signs now, and all that still verify (next, active, retiring)."""

    active: SigningKey
    public: PublicKeys

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The JWK Set (RFC 7517 section 5) that a JWKS endpoint answers."""
        return {"keys": [key.jwk() for key in self.public.values()]}

    @classmethod
    def of(cls, active: SigningKey, *others: PublicKey) -> KeyRing:
        """A ring of an active key and others that only verify."""
        return cls(active, {key.kid: key for key in (active.public, *others)})
