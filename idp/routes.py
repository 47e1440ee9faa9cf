"""Which path leads to which endpoint: the whole public face of the identity provider, on one screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

Endpoint = Callable[[Request], Awaitable[Response]]
Method = Literal["GET", "POST"]

TABLE: tuple[tuple[str, tuple[Method, ...], str], ...] = (
    ("/.well-known/openid-configuration", ("GET",), "discovery"),
    ("/.well-known/oauth-authorization-server", ("GET",), "discovery"),
    ("/jwks", ("GET",), "jwks"),
    ("/authorize", ("GET", "POST"), "authorization"),
    ("/authorize/continue", ("GET",), "dispatcher"),
    ("/sign-in", ("GET", "POST"), "sign_in"),
    ("/sign-in/passkey", ("POST",), "sign_in_passkey"),
    ("/factor", ("GET", "POST"), "factor"),
    ("/factor/passkey", ("POST",), "factor_passkey"),
    ("/takeover", ("GET", "POST"), "takeover"),
    ("/account", ("GET",), "account"),
    ("/account/authenticator", ("POST",), "account_authenticator"),
    ("/account/authenticator/confirm", ("POST",), "account_authenticator_confirm"),
    ("/account/authenticator/remove", ("POST",), "account_authenticator_remove"),
    ("/account/passkey", ("POST",), "account_passkey"),
    ("/account/passkey/remove", ("POST",), "account_passkey_remove"),
    ("/session/status", ("GET",), "session_status"),
    ("/token", ("POST",), "token"),
    ("/userinfo", ("GET", "POST"), "userinfo"),
    ("/revoke", ("POST",), "revocation"),
    ("/introspect", ("POST",), "introspection"),
    ("/end-session", ("GET", "POST"), "end_session"),
    ("/end-session/confirm", ("POST",), "end_session_confirm"),
)
"""Path, methods, and the name of the endpoint in the composition root."""

ASSETS = "/assets"


def routes(endpoints: Mapping[str, Endpoint], assets: ASGIApp) -> list[BaseRoute]:
    """The table over these endpoints. Raises `KeyError` where one is missing."""
    rows: list[BaseRoute] = [
        Route(path, _as_function(endpoints[name]), methods=list(methods)) for path, methods, name in TABLE
    ]
    return [*rows, Mount(ASSETS, assets)]


def _as_function(endpoint: Endpoint) -> Endpoint:
    """Starlette takes an object that can be called for an ASGI application; ours are endpoints."""

    async def answer(request: Request) -> Response:
        return await endpoint(request)

    return answer
