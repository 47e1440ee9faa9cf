"""What an upstream says of itself: its discovery document, as far as it is used and believed."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from idp.federation.problems import UpstreamUnsound
from jose.foreign import ALGORITHMS


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
