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
REGISTRATION = "/register"
_ANY = (b"access-control-allow-origin", b"*")
READABLE = (_ANY, (b"access-control-expose-headers", b"WWW-Authenticate, DPoP-Nonce, Munjigi-Correlation-Id"))
"""Headers of an answer that is."""


class CrossOrigin:
    """Pure ASGI: answers a browser's preflight of these paths, and marks their answers as readable."""

    def __init__(self, app: ASGIApp, *, registration: bool) -> None:
        """`registration`: whether clients may register themselves, and so apps in browsers as well."""
        self._app = app
        self._registration = registration

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        methods = self._methods(scope["path"]) if scope["type"] == "http" else b""
        if not methods:
            await self._app(scope, receive, send)
            return

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *READABLE]
            await send(message)

        if scope["method"] == "OPTIONS" and _is_preflight(scope):
            await send({"type": "http.response.start", "status": 204, "headers": _preflight(methods)})
            await send({"type": "http.response.body"})
        else:
            await self._app(scope, receive, send_readable)

    def _methods(self, path: str) -> bytes:
        """What a script may ask of a path; empty: it is not open."""
        if path in OPEN:
            return b"GET, POST"
        if not self._registration:
            return b""
        if path == REGISTRATION:
            return b"POST"
        return b"GET, PUT, DELETE" if path.startswith(REGISTRATION + "/") else b""


def _preflight(methods: bytes) -> list[tuple[bytes, bytes]]:
    return [
        _ANY,
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", b"Authorization, Content-Type, DPoP"),
        (b"access-control-max-age", b"600"),
    ]


def _is_preflight(scope: Scope) -> bool:
    return any(name == b"access-control-request-method" for name, _ in scope["headers"])
