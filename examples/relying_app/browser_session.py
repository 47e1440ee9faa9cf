"""What the app remembers of a browser: kept in this process, under an opaque cookie."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "__Host-demo-app"
MOST = 1000
"""Browsers that are remembered; the oldest is forgotten first."""


class BrowserSession:
    """Pure ASGI: `request.session` is a dictionary of this browser's alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: dict[str, dict[str, Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = HTTPConnection(scope).cookies.get(COOKIE, "")
        known = name in self._kept
        if not known:
            name = secrets.token_urlsafe(32)
        scope["session"] = self._kept.get(name, {})

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["session"] and not known:
                self._keep(name, scope["session"])
                message["headers"] = [*message.get("headers", ()), (b"set-cookie", _cookie(name))]
            await send(message)

        await self._app(scope, receive, send_with_cookie)

    def drop(self, which: Callable[[dict[str, Any]], bool], notice: str) -> None:
        """Forget what is remembered of these browsers, but for a notice that their next page shows."""
        for content in self._kept.values():
            if which(content):
                content.clear()
                content["notice"] = notice

    def _keep(self, name: str, content: dict[str, Any]) -> None:
        self._kept[name] = content
        while len(self._kept) > MOST:
            self._kept.pop(next(iter(self._kept)))


def _cookie(name: str) -> bytes:
    return f"{COOKIE}={name}; Path=/; Secure; HttpOnly; SameSite=Lax".encode()
