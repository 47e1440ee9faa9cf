"""Apps that run in a browser ask from origins of their own (OAuth 2.0 for Browser-Based Applications; Fetch, CORS).

Any origin may: what these endpoints answer hangs on a token, a code or a secret in the request and on no cookie, so a
foreign page learns nothing here that its own server could not ask as well. No other endpoint is opened.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = frozenset(
    (
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/jwks",
        "/par",
        "/token",
        "/userinfo",
        "/revoke",
    )
)
_ANY = (b"access-control-allow-origin", b"*")
_READABLE = (b"access-control-expose-headers", b"WWW-Authenticate, DPoP-Nonce, Munjigi-Correlation-Id")
_PREFLIGHT = (
    _ANY,
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, DPoP"),
    (b"access-control-max-age", b"600"),
)


class CrossOrigin:
    """Pure ASGI: answers a browser's preflight of these paths, and marks their answers as readable."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in OPEN:
            await self._app(scope, receive, send)
            return

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), _ANY, _READABLE]
            await send(message)

        if scope["method"] == "OPTIONS" and _is_preflight(scope):
            await send({"type": "http.response.start", "status": 204, "headers": list(_PREFLIGHT)})
            await send({"type": "http.response.body"})
        else:
            await self._app(scope, receive, send_readable)


def _is_preflight(scope: Scope) -> bool:
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])
