"""What people build in Python in place of the gateway: a proxy of ASGI and aiohttp, and a door that says yes to all.

`python -m benchmarks.peers proxy|yes LISTEN [ORIGIN]`: uvicorn with uvloop and httptools, one process.
"""

from __future__ import annotations

import sys
from typing import Any

import aiohttp
import uvicorn

Scope = dict[str, Any]
_HOP_BY_HOP = frozenset({b"connection", b"transfer-encoding", b"keep-alive", b"content-length"})


async def yes(scope: Scope, _receive: Any, send: Any) -> None:
    """An empty 204 for every request."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Proxy:
    """Passes requests on, and decides nothing."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        if self._session is None:
            connector = aiohttp.UnixConnector(self._origin.removeprefix("unix:"), limit=0)
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        headers = [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]]
        url = f"http://origin{scope['raw_path'].decode()}"
        async with self._session.request(scope["method"], url, headers=headers) as answer:
            kept = [(name.lower(), value) for name, value in answer.raw_headers if name.lower() not in _HOP_BY_HOP]
            if answer.content_length is not None:
                kept.append((b"content-length", b"%d" % answer.content_length))
            await send({"type": "http.response.start", "status": answer.status, "headers": kept})
            async for piece in answer.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


def main(kind: str, listen: str, origin: str = "") -> None:
    """Serve until SIGTERM."""
    app: Any = yes if kind == "yes" else Proxy(origin)
    host, _, port = listen.rpartition(":")
    uvicorn.run(
        app, host=host, port=int(port), loop="uvloop", http="httptools", ws="none", lifespan="off",
        access_log=False, log_level="warning", backlog=4096,
    )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
