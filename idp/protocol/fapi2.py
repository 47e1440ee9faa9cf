"""What the FAPI 2.0 Security Profile (final) asks beyond what this provider asks of everybody.

Everybody already has: no implicit grant, PKCE by S256, `iss` in every answer, exact redirect URIs, 303 for redirects,
codes that are used once. Each function names what breaks the profile, in words that a client's makers may read; nothing
named means that nothing does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

NAME = "fapi2"
ALGORITHMS = ("ES256", "PS256")
"""Section 5.4.1; of those that clients may register, RS256 is not one."""
CLIENT_AUTHENTICATION = ("private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth")
"""Section 5.3.2.1, item 6."""
LONGEST_CODE = 60.0
"""Seconds for which a code lives (section 5.3.2.1, item 11)."""


class Metadata(Protocol):
    """What the profile reads of a client's metadata."""

    @property
    def profile(self) -> str: ...
    @property
    def dpop_bound_access_tokens(self) -> bool: ...
    @property
    def tls_client_certificate_bound_access_tokens(self) -> bool: ...
    @property
    def token_endpoint_auth_signing_alg(self) -> str | None: ...
    @property
    def request_object_signing_alg(self) -> str | None: ...
    @property
    def id_token_signed_response_alg(self) -> str: ...
    @property
    def authorization_signed_response_alg(self) -> str: ...
    @property
    def userinfo_signed_response_alg(self) -> str | None: ...
    @property
    def introspection_signed_response_alg(self) -> str | None: ...


class Registered(Protocol):
    """What the profile reads of a client."""

    @property
    def auth_method(self) -> str: ...
    @property
    def redirect_uris(self) -> tuple[str, ...]: ...
    @property
    def metadata(self) -> Metadata: ...


def is_bound(client: Registered) -> bool:
    """Whether an administrator holds this client to the profile."""
    return client.metadata.profile == NAME


def client_faults(client: Registered) -> tuple[str, ...]:
    """What of a client's registration breaks the profile, whatever it asks for."""
    metadata = client.metadata
    algorithms = {
        "token_endpoint_auth_signing_alg": metadata.token_endpoint_auth_signing_alg,
        "request_object_signing_alg": metadata.request_object_signing_alg,
        "id_token_signed_response_alg": metadata.id_token_signed_response_alg,
        "authorization_signed_response_alg": metadata.authorization_signed_response_alg,
        "userinfo_signed_response_alg": metadata.userinfo_signed_response_alg,
        "introspection_signed_response_alg": metadata.introspection_signed_response_alg,
    }
    faults = []
    if client.auth_method not in CLIENT_AUTHENTICATION:
        faults.append("the client must prove itself by private_key_jwt or a certificate")
    if not (metadata.dpop_bound_access_tokens or metadata.tls_client_certificate_bound_access_tokens):
        faults.append("the client's tokens must be bound to a key by DPoP or a certificate")
    faults += [f"{name} must be ES256 or PS256" for name, alg in algorithms.items() if alg not in (None, *ALGORITHMS)]
    if not all(is_redirect_uri(uri) for uri in client.redirect_uris):
        faults.append("redirect_uris must be https and hold no wildcard")
    return tuple(faults)


def request_faults(client: Registered, *, pushed: bool) -> tuple[str, ...]:
    """What of an authorization request breaks the profile, the client's registration included."""
    if not is_bound(client):
        return ()
    return (*client_faults(client), *(() if pushed else ("the authorization request must be pushed",)))


def token_faults(client: Registered, confirmation: Mapping[str, str]) -> tuple[str, ...]:
    """What of tokens that are about to be issued breaks the profile; `confirmation` is their `cnf`."""
    if not is_bound(client) or confirmation:
        return ()
    return ("tokens of this client must be bound to a key by DPoP or a certificate",)


def code_lifetime(profile: str, lifetime: float) -> float:
    """How long a code lives, in seconds; `lifetime` is what is set for everybody."""
    return min(lifetime, LONGEST_CODE) if profile == NAME else lifetime


def is_redirect_uri(uri: str) -> bool:
    """Whether the profile lets a client be answered here (section 5.3.2.2)."""
    parts = urlsplit(uri)
    return parts.scheme == "https" and "*" not in uri
