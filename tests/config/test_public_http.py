"""Whoever sends a request without an end, or never, is shown the door; everybody else notices nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from config import public_http
from config.public_http import LARGEST_HEAD, WHOLE, PublicHttpProtocol, with_documents
from config.serving import serve_application

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


DOCUMENT = b"d" * 200_000
KEPT = b"k" * 200_000


def _at_hand(target: bytes) -> bytes | None:
    return b"content-length: %d\r\nkept: yes\r\n\r\n%b" % (len(KEPT), KEPT) if target == b"/kept" else None


async def _echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body; at some paths with a document."""
    if scope["path"] in ("/kept", "/document", "/whole", "/broken", "/injected"):
        headers = [(b"content-length", b"%d" % len(DOCUMENT)), (b"method", scope["method"].encode())]
        if scope["path"] == "/broken":
            await asyncio.sleep(0)
            raise LookupError
        if scope["path"] == "/injected":
            headers.append((b"said", b"a\r\ninjected: b"))
        if scope["path"] in ("/whole", "/injected") and scope["extensions"][WHOLE](200, headers, DOCUMENT):
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": DOCUMENT})
        return
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
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For connections that are made after it."""
    monkeypatch.setattr(public_http, "ARRIVAL", 0.5)


@pytest.fixture
def resting(monkeypatch: pytest.MonkeyPatch) -> None:
    """For servers that are started after it."""
    wait = PublicHttpProtocol._wait

    def shorter(protocol: PublicHttpProtocol, seconds: float, *, resting: bool = False) -> None:
        wait(protocol, 0.3 if resting else seconds, resting=resting)

    monkeypatch.setattr(PublicHttpProtocol, "_wait", shorter)


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[Streams]:
    """A connection to a server."""
    ready, stop = asyncio.Event(), asyncio.Event()
    path = tmp_path / "public.sock"
    serving = asyncio.create_task(
        serve_application(
            _echo,
            f"unix:{path}",
            ready=ready.set,
            stop=stop,
            http=with_documents(_at_hand),
            ws="none",
        )
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
async def test_a_request_that_never_comes(impatient: None, connection: Streams, sent: bytes) -> None:
    reader, writer = connection
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n0")
    writer.write(sent)
    async with asyncio.timeout(10):
        assert await reader.read() == b""


async def test_who_rests_between_requests_is_not_hurried(impatient: None, connection: Streams) -> None:
    """What was due with the connection, and came, is due no more."""
    reader, writer = connection
    loop = asyncio.get_running_loop()
    until = loop.time() + 2 * public_http.ARRIVAL
    while loop.time() < until:
        writer.write(b"GET /kept HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await _answer(reader))[1] == KEPT
        writer.write(b"GET /whole HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await _answer(reader))[1] == DOCUMENT


@pytest.mark.parametrize("path", [b"/kept", b"/whole"])
async def test_who_rests_for_good_is_shown_the_door(resting: None, connection: Streams, path: bytes) -> None:
    reader, writer = connection
    writer.write(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    await _answer(reader)
    async with asyncio.timeout(10):
        assert await reader.read() == b""


@pytest.mark.parametrize("path", [b"/document", b"/whole"])
async def test_documents_are_answered_like_all_else(connection: Streams, path: bytes) -> None:
    reader, writer = connection
    for _ in range(3):
        writer.write(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")
        head, body = await _answer(reader)
        assert (b"method: GET" in head, body) == (True, DOCUMENT)
        writer.write(b"POST " + path + b" HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nab")
        head, body = await _answer(reader)
        assert (b"method: POST" in head, body) == (True, DOCUMENT)
        writer.write(b"HEAD " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"method: HEAD" in await reader.readuntil(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("request_", "answered"),
    [
        (b"GET /kept HTTP/1.1\r\nhost: x\r\n\r\n", KEPT),
        (b"GET /kept?a HTTP/1.1\r\nhost: x\r\n\r\n", DOCUMENT),
        (b"GET /kept HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nGET", DOCUMENT),
        (b"GET /kept HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", DOCUMENT),
        (b"GET /kept HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", DOCUMENT),
        (b"GET /kept HTTP/1.0\r\nhost: x\r\nconnection: keep-alive\r\n\r\n", DOCUMENT),
        (b"POST /kept HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", DOCUMENT),
    ],
)
async def test_what_is_at_hand_is_for_plain_requests(connection: Streams, request_: bytes, answered: bytes) -> None:
    reader, writer = connection
    for _ in range(2):
        writer.write(request_)
        head, body = await _answer(reader)
        assert (body, b"kept: yes" in head, b"date: " in head) == (answered, answered == KEPT, True)
        if b"connection: close" in head:
            return


async def test_documents_keep_their_turn(connection: Streams) -> None:
    """Of requests that are sent without waiting, the first one's answer comes first, and a body is no request."""
    reader, writer = connection
    echo = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabcde"
    document = b"GET /document HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nGET"
    kept, whole = (b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n" for path in (b"/kept", b"/whole"))
    writer.write(echo + kept + document + whole + kept + echo + document)
    for expected in (b"5", DOCUMENT, DOCUMENT, DOCUMENT, DOCUMENT, b"5", DOCUMENT):
        assert (await _answer(reader))[1] == expected


async def test_no_header_begins_another(connection: Streams) -> None:
    reader, writer = connection
    writer.write(b"GET /injected HTTP/1.1\r\nhost: x\r\n\r\n")
    assert await reader.read() == b""


@pytest.mark.parametrize("path", [b"/document", b"/whole"])
async def test_a_document_may_be_the_last_answer(connection: Streams, path: bytes) -> None:
    reader, writer = connection
    writer.write(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    head, body = await _answer(reader)
    assert (b"connection: close" in head, body, await reader.read()) == (True, DOCUMENT, b"")


async def test_a_fault_behind_a_wait_is_told(connection: Streams) -> None:
    reader, writer = connection
    writer.write(b"GET /broken HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await _answer(reader))[0].startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("path", [b"/kept", b"/document", b"/whole"])
async def test_whoever_reads_slowly_gets_all_of_it(connection: Streams, path: bytes) -> None:
    """The server's buffer is full long before these are read: the answer waits for its reader."""
    reader, writer = connection
    for _ in range(20):
        writer.write(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n")
        await writer.drain()
    for _ in range(20):
        assert (await _answer(reader))[1] in (KEPT, DOCUMENT)


async def _answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
    return head, await reader.readexactly(int(length.removeprefix(b"content-length: ")))
