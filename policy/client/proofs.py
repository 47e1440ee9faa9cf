"""How a program proves to the identity provider which client it is (RFC 6749, section 2.3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol
from uuid import uuid4

import httpx2
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME: Final = 60
"""Seconds for which what was signed is good."""
_ALGORITHMS: Final[Mapping[str, tuple[str, ...]]] = {"EC": ("ES256",), "RSA": ("PS256", "RS256")}
"""By kind of key, the one that is taken where the key names none first."""


class Proof(Protocol):
    """Proves one client at one identity provider."""

    def auth(self, client_id: str) -> httpx2.Auth:
        """What the request's header says, if anything."""

    def fields(self, client_id: str, issuer: str) -> dict[str, str]:
        """What its form says beside what is asked for."""


class WrongKey(ValueError):
    """A key that nothing can be signed with; the message says what is expected."""


class Secret:
    """`client_secret_basic`: what both sides know is sent."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "Secret()"

    def auth(self, client_id: str) -> httpx2.Auth:
        return httpx2.BasicAuth(client_id, self._secret)

    def fields(self, client_id: str, issuer: str) -> dict[str, str]:
        return {}


class SigningKey:
    """`private_key_jwt` (RFC 7523, section 3; OpenID Connect Core 1.0, section 9).

    The key never leaves the program, and what it signs is good once, for a minute, at one identity provider.
    """

    def __init__(self, written: str, *, now: Callable[[], float] = time.time) -> None:
        """`written`: a private key, EC on P-256 or RSA, as PEM without a passphrase or as a JWK. Raises `WrongKey`."""
        key = _read(written)
        named = key.get("alg")
        fitting = [name for name in _ALGORITHMS[key.key_type] if named in (None, name)]
        if not fitting or (isinstance(key, ECKey) and key.curve_name != "P-256"):
            raise WrongKey("a key for ES256, PS256 or RS256 is expected")
        self._key = key
        self._algorithm = fitting[0]
        self._now = now

    def __repr__(self) -> str:
        return f"SigningKey({self._algorithm})"

    def auth(self, client_id: str) -> httpx2.Auth:
        return httpx2.Auth()

    def fields(self, client_id: str, issuer: str) -> dict[str, str]:
        made = int(self._now())
        header = {"alg": self._algorithm, "typ": "JWT", **({"kid": self._key.kid} if self._key.kid else {})}
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": issuer,
            "jti": str(uuid4()),
            "iat": made,
            "exp": made + LIFETIME,
        }
        signed = jwt.encode(header, claims, self._key, algorithms=[self._algorithm])
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed, "client_id": client_id}


def _read(written: str) -> ECKey | RSAKey:
    kinds: tuple[type[ECKey | RSAKey], ...] = (ECKey, RSAKey)
    for kind in kinds:
        try:
            key = kind.import_key(_jwk(written) if written.lstrip().startswith("{") else written)
        except (JoseError, msgspec.MsgspecError, ValueError, TypeError, KeyError):
            continue
        if key.is_private:
            return key
    raise WrongKey("a private key is expected, EC on P-256 or RSA, as PEM without a passphrase or as a JWK")


def _jwk(written: str) -> dict[str, str | list[str]]:
    return msgspec.json.decode(written, type=dict[str, str | list[str]])
