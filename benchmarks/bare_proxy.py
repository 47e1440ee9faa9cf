"""The most that Python can reach: a proxy of uvloop and httptools that keeps connections on both sides, and no more.

`python -m benchmarks.bare_proxy LISTEN ORIGIN`: every request's head and every answer is parsed by llhttp and passed on
as it came, chosen by nobody, checked by nobody, recorded nowhere. What the gateway does beyond it is the difference.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from typing import cast

import uvloop
from httptools import HttpRequestParser, HttpResponseParser


class _Origin(asyncio.Protocol):
    """A connection to the origin, used by one client after the other."""

    def __init__(self, idle: deque[_Origin]) -> None:
        self.transport: asyncio.Transport
        self.client: _Client | None = None
        self._idle = idle
        self._parser = HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        client = self.client
        if client is not None and not client.transport.is_closing():
            client.transport.write(data)
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.client = None
        self._idle.append(self)


class _Client(asyncio.Protocol):
    """A client's connection, which asks and waits for the answer before it asks again."""

    def __init__(self, idle: deque[_Origin], origin: str) -> None:
        self.transport: asyncio.Transport
        self._idle = idle
        self._origin = origin
        self._parser = HttpRequestParser(self)
        self._asked = b""
        self._dialling: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._asked += data
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        while self._idle:
            origin = self._idle.pop()
            if not origin.transport.is_closing():
                self._send(origin)
                return
        self._dialling = asyncio.create_task(self._dial())

    async def _dial(self) -> None:
        loop = asyncio.get_running_loop()
        self._send((await loop.create_unix_connection(lambda: _Origin(self._idle), self._origin))[1])

    def _send(self, origin: _Origin) -> None:
        asked, self._asked = self._asked, b""
        origin.client = self
        origin.transport.write(asked)


async def main(listen: str, origin: str) -> None:
    """Serve until the process is ended."""
    host, _, port = listen.rpartition(":")
    idle: deque[_Origin] = deque()
    path = origin.removeprefix("unix:")
    server = await asyncio.get_running_loop().create_server(lambda: _Client(idle, path), host, int(port), backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
