"""What this provider says of itself (OpenID Connect Discovery 1.0, section 3; RFC 8414, section 2)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.settings import IdentityProviderSettings
from idp.clients.authentication import METHODS
from idp.clients.tls_client_auth import SELF_SIGNED, TLS
from idp.protocol import pkce, scopes
from idp.protocol.assurance import ACR_VALUES
from jose.foreign import ALGORITHMS
from jose.keys import ALGORITHM, KeyRing

_OPEN = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}


def client_authentication(settings: IdentityProviderSettings) -> dict[str, object]:
    """How clients prove themselves at each endpoint, and bind tokens to their keys (RFC 8414, RFC 8705, RFC 9449)."""
    certified = settings.client_certificate_header
    there = {TLS: certified and settings.client_certificate_authorities is not None, SELF_SIGNED: certified}
    methods = [method for method in METHODS if there.get(method, True)]
    found: dict[str, object] = {}
    for endpoint in ("token", "revocation", "introspection"):
        taken = [method for method in methods if endpoint != "introspection" or method != "none"]
        found[f"{endpoint}_endpoint_auth_methods_supported"] = taken
        found[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = list(ALGORITHMS)
    found["dpop_signing_alg_values_supported"] = list(ALGORITHMS)
    if certified:
        found["tls_client_certificate_bound_access_tokens"] = True
    if certified and settings.mtls_origin:
        paths = {"token": "token", "revocation": "revoke", "introspection": "introspect", "userinfo": "userinfo"}
        found["mtls_endpoint_aliases"] = {
            f"{name}_endpoint": f"{settings.mtls_origin}/{path}" for name, path in paths.items()
        }
    return found


def metadata(settings: IdentityProviderSettings) -> dict[str, object]:
    """The metadata document; what is not in it is not supported."""
    issuer = settings.issuer
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "end_session_endpoint": f"{issuer}/end-session",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "scopes_supported": list(scopes.SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "acr_values_supported": list(ACR_VALUES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        **client_authentication(settings),
        "claims_supported": [*scopes.CLAIMS, "auth_time", "acr", "amr", "sid", "nonce"],
        "claim_types_supported": ["normal"],
        "code_challenge_methods_supported": [pkce.METHOD],
        "ui_locales_supported": ["ko", "en"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": ["none", "login", "select_account"],
    }


class DiscoveryEndpoint:
    """`GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`."""

    def __init__(self, settings: IdentityProviderSettings) -> None:
        self._body = msgspec.json.encode(metadata(settings))

    async def __call__(self, request: Request) -> Response:
        return _json(self._body, "public, max-age=300")


class JwksEndpoint:
    """`GET /jwks`: the keys that verify (RFC 7517, section 5)."""

    def __init__(self, ring: Callable[[], KeyRing]) -> None:
        self._ring = ring

    async def __call__(self, request: Request) -> Response:
        return _json(msgspec.json.encode(self._ring().jwks()), "public, max-age=60")


def _json(body: bytes, cache: str) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": cache, **_OPEN})
