"""Whoever sends a request without an end, or never, is shown the door; everybody else notices nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from config import public_http
from config.public_http import LARGEST_HEAD, PublicHttpProtocol
from config.serving import serve_application

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body."""
    length = 0
    more = True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(length).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Streams]:
    """A connection to a server."""
    ready, stop = asyncio.Event(), asyncio.Event()
    path = tmp_path / "public.sock"
    serving = asyncio.create_task(
        serve_application(_echo, f"unix:{path}", ready=ready.set, stop=stop, http=PublicHttpProtocol, ws="none")
    )
    await ready.wait()
    reader, writer = await asyncio.open_unix_connection(str(path))
    yield reader, writer
    writer.close()
    stop.set()
    await serving


async def test_requests_in_a_row(connection: Streams) -> None:
    reader, writer = connection
    for length in (0, 3, 300_000, 1):
        padding = b"x-padding: " + b"x" * 30_000 + b"\r\n"
        head = b"POST / HTTP/1.1\r\nhost: x\r\n" + padding + b"content-length: %d\r\n\r\n" % length
        writer.write(head + b"b" * length)
        answered = await reader.readuntil(b"\r\n\r\n")
        assert answered.startswith(b"HTTP/1.1 200 ")
        assert await reader.readexactly(len(str(length))) == str(length).encode()


@pytest.mark.parametrize(
    ("begin", "again"),
    [(b"GET /", b"a" * 1000), (b"GET / HTTP/1.1\r\nx: ", b"a" * 1000), (b"GET / HTTP/1.1\r\n", b"x: y\r\n" * 200)],
)
async def test_a_head_without_an_end(connection: Streams, begin: bytes, again: bytes) -> None:
    reader, writer = connection
    writer.write(begin)
    sent = 0
    try:
        while not reader.at_eof() and sent < 100 * LARGEST_HEAD:
            writer.write(again)
            sent += len(again)
            await writer.drain()
            await asyncio.sleep(0)
        answered = await reader.read()
    except ConnectionError:
        answered = b""
    assert sent < 100 * LARGEST_HEAD
    assert answered in (b"", public_http._TOO_LARGE)


@pytest.mark.parametrize("sent", [b"GET / HT", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab"])
async def test_a_request_that_never_comes(connection: Streams, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    reader, writer = connection
    monkeypatch.setattr(public_http, "ARRIVAL", 0.05)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n0")
    writer.write(sent)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
