"""What this provider says of itself (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.sections.identity import IdentityProviderSettings
from idp.authorization.answer import RESPONSE_MODES
from idp.authorization.checks import DISPLAYS
from idp.clients.authentication import METHODS
from idp.clients.tls_client_auth import SELF_SIGNED, TLS
from idp.grants.grant_types import GRANT_TYPES
from idp.protocol import dpop, pkce, scopes
from idp.protocol.assurance import ACR_VALUES
from jose import foreign
from jose.keys import ALGORITHMS, KeyRing


def client_authentication(settings: IdentityProviderSettings) -> dict[str, object]:
    """How clients prove themselves at each endpoint, and bind tokens to their keys (RFC 8414, RFC 8705, RFC 9449)."""
    certified = settings.client_certificate_header
    there = {TLS: certified and settings.client_certificate_authorities is not None, SELF_SIGNED: certified}
    methods = [method for method in METHODS if there.get(method, True)]
    found: dict[str, object] = {}
    for endpoint in ("token", "revocation", "introspection"):
        taken = [method for method in methods if endpoint != "introspection" or method != "none"]
        found[f"{endpoint}_endpoint_auth_methods_supported"] = taken
        found[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = list(foreign.ALGORITHMS)
    found["dpop_signing_alg_values_supported"] = list(dpop.ALGORITHMS)
    if certified:
        found["tls_client_certificate_bound_access_tokens"] = True
    if certified and settings.mtls_origin:
        found["mtls_endpoint_aliases"] = {
            f"{name}_endpoint": f"{settings.mtls_origin}/{path}" for name, path in _FOR_CERTIFICATES.items()
        }
    return found


_FOR_CERTIFICATES: Final = {
    "token": "token",
    "revocation": "revoke",
    "introspection": "introspect",
    "userinfo": "userinfo",
    "pushed_authorization_request": "par",
    "device_authorization": "device_authorization",
    "backchannel_authentication": "bc-authorize",
}
"""Endpoints that ask for a client's certificate, and their paths."""


def metadata(settings: IdentityProviderSettings) -> dict[str, object]:
    """The metadata document; what is not in it is not supported."""
    issuer = settings.issuer
    return {
        **({"registration_endpoint": f"{issuer}/register"} if settings.registration != "off" else {}),
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "require_pushed_authorization_requests": settings.require_pushed_authorization_requests,
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "backchannel_authentication_endpoint": f"{issuer}/bc-authorize",
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_authentication_request_signing_alg_values_supported": list(foreign.ALGORITHMS),
        "backchannel_user_code_parameter_supported": False,
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "end_session_endpoint": f"{issuer}/end-session",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "scopes_supported": list(scopes.SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": list(GRANT_TYPES),
        "acr_values_supported": list(ACR_VALUES),
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "authorization_signing_alg_values_supported": list(ALGORITHMS),
        "userinfo_signing_alg_values_supported": list(ALGORITHMS),
        "introspection_signing_alg_values_supported": list(ALGORITHMS),
        **client_authentication(settings),
        "claims_supported": [*scopes.CLAIMS, "auth_time", "acr", "amr", "sid", "nonce"],
        "claim_types_supported": ["normal"],
        "code_challenge_methods_supported": [pkce.METHOD],
        "ui_locales_supported": ["ko", "en"],
        "display_values_supported": list(DISPLAYS),
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": list(foreign.ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
    }


class DiscoveryEndpoint:
    """`GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`."""

    def __init__(self, settings: IdentityProviderSettings) -> None:
        self._document = _json(msgspec.json.encode(metadata(settings)), "public, max-age=300")

    def document(self) -> Response:
        """The answer, the same each time."""
        return self._document

    async def __call__(self, request: Request) -> Response:
        return self.document()


class JwksEndpoint:
    """`GET /jwks`: the keys that verify (RFC 7517, section 5); written anew when another ring is in force."""

    def __init__(self, ring: Callable[[], KeyRing]) -> None:
        self._ring = ring
        self._written: tuple[KeyRing, Response] | None = None

    def document(self) -> Response:
        """The answer, the same as long as the ring is."""
        ring = self._ring()
        if self._written is None or self._written[0] is not ring:
            self._written = (ring, _json(msgspec.json.encode(ring.jwks()), "public, max-age=60"))
        return self._written[1]

    async def __call__(self, request: Request) -> Response:
        return self.document()


def _json(body: bytes, cache: str) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": cache})
