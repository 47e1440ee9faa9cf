"""What an upstream says of itself: its discovery document and its keys, as far as they are used and believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from idp.federation.problems import UpstreamUnsound

CURVES = {"ES256": "P-256"}
ALGORITHMS = ("ES256", "RS256", "PS256")
"""What an ID token may be signed with: asymmetric, all with SHA-256 (RFC 7518, section 3.1)."""
SMALLEST_RSA = 2048
"""Bits (RFC 7518, section 3.3)."""
MOST_KEYS = 64
_PUBLIC = {"EC": ("kty", "crv", "x", "y"), "RSA": ("kty", "n", "e")}


class Metadata(msgspec.Struct, frozen=True):
    """What is used of the discovery document (OIDC Discovery 1.0, section 3; RFC 8414, section 2)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False

    @property
    def algorithms(self) -> tuple[str, ...]:
        """Those that both sides take; an upstream that names none is one of RS256 (OIDC Discovery 1.0, section 3)."""
        named = self.id_token_signing_alg_values_supported or ("RS256",)
        return tuple(algorithm for algorithm in ALGORITHMS if algorithm in named)


@dataclass(frozen=True, slots=True)
class UpstreamKey:
    """A key that verifies, and the algorithms that it may do so with."""

    key: ECKey | RSAKey
    algorithms: tuple[str, ...]


UpstreamKeys = Mapping[str, UpstreamKey]
"""By `kid`."""


def discovery_address(issuer: str) -> str:
    """Where the document is (OIDC Discovery 1.0, section 4)."""
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def read_metadata(body: bytes, *, expected_issuer: str, allows_uri: Callable[[str], bool]) -> Metadata:
    """The document of this issuer. Raises `UpstreamUnsound` for another's, or one that leads where nobody may go."""
    try:
        found = msgspec.json.decode(body, type=Metadata)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UpstreamUnsound(f"discovery: {error}") from error
    if found.issuer != expected_issuer:  # OIDC Discovery 1.0, section 4.3
        raise UpstreamUnsound(f"discovery names another issuer, {found.issuer!r}")
    addresses = [found.authorization_endpoint, found.token_endpoint, found.jwks_uri]
    if found.userinfo_endpoint:
        addresses.append(found.userinfo_endpoint)
    for address in addresses:
        if not allows_uri(address):
            raise UpstreamUnsound(f"discovery leads to {address!r}")
    if not found.algorithms:
        raise UpstreamUnsound("no algorithm for ID tokens that is taken here")
    return found


def read_keys(body: bytes) -> UpstreamKeys:
    """The keys of a JWK Set (RFC 7517, section 5) that may verify. Raises `UpstreamUnsound` where it is none.

    Only public keys of the two families count, each under its `kid`; a `kid` that two keys bear is nobody's.
    """
    try:
        listed = msgspec.json.decode(body, type=dict[str, Any])["keys"]
    except (msgspec.MsgspecError, KeyError, RecursionError, UnicodeDecodeError) as error:
        raise UpstreamUnsound("not a key set") from error
    if not isinstance(listed, list) or len(listed) > MOST_KEYS:
        raise UpstreamUnsound("not a key set, or one of too many keys")
    keys: dict[str, UpstreamKey | None] = {}
    for jwk in listed:
        kid = jwk.get("kid") if isinstance(jwk, dict) else None
        if isinstance(kid, str) and (key := _key(jwk)) is not None:
            keys[kid] = None if kid in keys else key
    return {kid: key for kid, key in keys.items() if key is not None}


def _key(jwk: Mapping[str, Any]) -> UpstreamKey | None:
    kty = jwk.get("kty")
    if kty not in _PUBLIC or jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
        return None
    named = jwk.get("alg")
    try:
        members: dict[str, str | list[str]] = {name: str(jwk[name]) for name in _PUBLIC[kty]}
        key: ECKey | RSAKey
        if kty == "EC":
            algorithms = tuple(name for name, curve in CURVES.items() if jwk["crv"] == curve)
            key = ECKey.import_key(members)
        else:
            algorithms = ("RS256", "PS256")
            key = RSAKey.import_key(members)
            if key.raw_value.key_size < SMALLEST_RSA:
                return None
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    algorithms = tuple(name for name in algorithms if named in (None, name))
    return UpstreamKey(key, algorithms) if algorithms else None
