"""What every answer of the identity provider tells the browser, unless it said so itself (OWASP ASVS 5.0, V3.4)."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
)
_TRANSPORT = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class ResponseHeaders:
    """Pure ASGI: adds what an answer lacks."""

    def __init__(self, app: ASGIApp, *, issuer: str) -> None:
        self._app = app
        self._headers = (*_ALWAYS, *([_TRANSPORT] if issuer.startswith("https:") else []))
        self._names = frozenset(name for name, _ in self._headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self.with_them(message.get("headers", ()))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def with_them(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of an answer, and what they lack."""
        said = list(headers)
        there = self._names.intersection([name.lower() for name, _ in said])
        if there:
            return said + [header for header in self._headers if header[0] not in there]
        return [*said, *self._headers]
