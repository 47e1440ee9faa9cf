"""Framing: what can be read in two ways is refused and reaches no upstream (RFC 9112, sections 2 to 7)."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.proxy.limits import Limits
from tests.gateway.proxy.rig import Rig, rigged, says

GET = b"GET / HTTP/1.1\r\nHost: shop.localhost\r\n"
POST = b"POST / HTTP/1.1\r\nHost: shop.localhost\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

REFUSED = {
    "content-length with transfer-encoding": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding with content-length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "duplicate content-length": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "content-length list": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "signed content-length": POST + b"Content-Length: +3\r\n\r\nabc",
    "empty content-length": POST + b"Content-Length:\r\n\r\n",
    "huge content-length": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "obs-fold": GET + b"X: a\r\n b\r\n\r\n",
    "obs-fold by tab": GET + b"X: a\r\n\tb\r\n\r\n",
    "space before the first header": b"GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n",
    "bare LF after the request line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF between headers": GET + b"X: a\nY: b\r\n\r\n",
    "bare LF only": b"GET / HTTP/1.1\nHost: a\n\n",
    "bare CR in a value": GET + b"X: a\rb\r\n\r\n",
    "NUL in a value": GET + b"X: a\0b\r\n\r\n",
    "control in a value": GET + b"X: a\x01b\r\n\r\n",
    "space before the colon": GET + b"X : a\r\n\r\n",
    "byte in a name": GET + b"X\xe9: a\r\n\r\n",
    "header without a colon": GET + b"X\r\n\r\n",
    "non-ASCII transfer-encoding": POST + b"Transfer-Encoding: chunked\xa0\r\n\r\n0\r\n\r\n",
    "transfer-encoding with a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "another coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a list of codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "transfer-encoding twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "alias of transfer-encoding beside another": POST + b"Transfer_Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
    "alias of content-length": POST + b"Content_Length: 3\r\n\r\nabc",
    "alias of transfer-encoding": POST + b"Transfer.Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a line of HTTP/0.9 without more": b"GET /\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: other\r\n\r\n",
    "empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "host with userinfo": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "host list": b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "absolute form": b"GET http://shop.localhost/ HTTP/1.1\r\nHost: shop.localhost\r\n\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\nHost: shop.localhost\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "trailing space": b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
    "no version": b"GET /\r\nHost: a\r\n\r\n",
    "another protocol": b"GET / ICE/1.0\r\nHost: a\r\n\r\n",
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "connection names host": GET + b"Connection: host\r\n\r\n",
    "bad chunk end": CHUNKED + b"1\r\naXX0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"1\r\nabc\r\n0\r\n\r\n",
    "bare LF after a chunk size": CHUNKED + b"1\na\r\n0\r\n\r\n",
    "bare LF after a chunk": CHUNKED + b"1\r\na\n0\r\n\r\n",
    "bare CR in an extension": CHUNKED + b"1;a\rb\r\na\r\n0\r\n\r\n",
    "prefix in a chunk size": CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    "sign in a chunk size": CHUNKED + b"+1\r\na\r\n0\r\n\r\n",
    "underscore in a chunk size": CHUNKED + b"1_0\r\naaaaaaaaaaaaaaaa\r\n0\r\n\r\n",
    "empty chunk size": CHUNKED + b"\r\na\r\n0\r\n\r\n",
    "overflowing chunk size": CHUNKED + b"10000000000000001\r\na\r\n0\r\n\r\n",
    "space before a chunk size": CHUNKED + b" 1\r\na\r\n0\r\n\r\n",
    "an extension whose quote does not close": CHUNKED + b'1;a="\r\na\r\n0\r\n\r\n',
    "an extension without a name": CHUNKED + b"1;\r\na\r\n0\r\n\r\n",
    "trailer without a colon": CHUNKED + b"0\r\nX\r\n\r\n",
    "trailer with a space before its colon": CHUNKED + b"0\r\nX : y\r\n\r\n",
    "trailer with a control": CHUNKED + b"0\r\nX: \x01\r\n\r\n",
}  # fmt: skip

OTHER = {
    "CONNECT": (b"CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\n", 405),
    "TRACE": (b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "lower-case method": (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
    "expectation": (GET + b"Expect: a-miracle\r\n\r\n", 417),
    "long target": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "many headers": (GET + b"".join(b"X-%d: a\r\n" % n for n in range(101)) + b"\r\n", 431),
    "large head": (GET + b"X: " + b"a" * 40_000 + b"\r\n\r\n", 431),
    "large head without an end": (GET + b"X: " + b"a" * 40_000, 431),
    "large body": (POST + b"Content-Length: 2000\r\n\r\n", 413),
    "a chunk that is announced too large": (CHUNKED + b"7d0\r\n", 413),
    "large body in chunks": (CHUNKED + b"7d0\r\n" + b"a" * 2000 + b"\r\n0\r\n\r\n", 413),
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def door() -> AsyncIterator[Rig]:
    with tempfile.TemporaryDirectory(prefix="mj-") as path:
        async with rigged(Path(path), limits=Limits(body=1000), patience=60) as rig:
            yield rig


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", REFUSED)
async def test_what_can_be_read_in_two_ways_is_refused_and_the_connection_closed(door: Rig, name: str) -> None:
    client = await door.client()
    answer = await client.ask(REFUSED[name])
    assert answer.status == 400
    assert answer.values(b"connection") == [b"close"]
    assert b"MJ-GATEWAY-10" in answer.body
    assert await client.rest() == b""
    assert door.origin.connections == 0


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", OTHER)
async def test_what_is_not_served_is_refused_with_its_own_status(door: Rig, name: str) -> None:
    request, status = OTHER[name]
    client = await door.client()
    assert (await client.ask(request)).status == status
    assert await client.rest() == b""
    assert door.origin.connections == 0


async def test_a_head_that_comes_byte_by_byte_is_read(folder: Path) -> None:
    async with rigged(folder) as rig:
        client = await rig.client()
        for byte in GET + b"\r\n":
            client.send(bytes([byte]))
            await client.writer.drain()
        assert (await client.answer()).body == b"ok"


async def test_an_empty_line_before_a_request_is_ignored(folder: Path) -> None:
    async with rigged(folder) as rig:
        assert (await rig.ask(b"\r\n" + GET + b"\r\n")).status == 200


@pytest.mark.parametrize(
    "pieces",
    [
        (b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",),
        (b"3\r", b"\nab", b"c\r", b"\n2\r\nd", b"e\r\n", b"0\r\n", b"\r\n"),
        tuple(bytes([byte]) for byte in b"3\r\nabc\r\n2\r\nde\r\n0\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n"),
    ],
)
async def test_chunks_are_passed_on_as_chunks_without_extensions_and_trailers(
    folder: Path, pieces: tuple[bytes, ...]
) -> None:
    async with rigged(folder) as rig:
        client = await rig.client()
        client.send(CHUNKED)
        for piece in pieces:
            client.send(piece)
            await client.writer.drain()
        assert (await client.answer()).status == 200
        assert rig.origin.asked[0].body == b"abcde"
        assert rig.origin.asked[0].values(b"transfer-encoding") == [b"chunked"]
        assert rig.origin.asked[0].values(b"x-forwarded-for") == []
        assert (await client.ask(GET + b"\r\n")).status == 200


async def test_a_body_of_known_length_is_passed_on(folder: Path) -> None:
    async with rigged(folder) as rig:
        answer = await rig.ask(POST + b"Content-Length: 5\r\n\r\nhello")
        assert answer.status == 200
        assert rig.origin.asked[0].body == b"hello"
        assert rig.origin.asked[0].values(b"content-length") == [b"5"]


async def test_http_1_0_is_answered_without_chunks_and_closed(folder: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    async with rigged(folder, behaviour=says(chunked)) as rig:
        client = await rig.client()
        client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        head, _, body = (await client.rest()).partition(b"\r\n\r\n")
        assert body == b"abc"
        assert b"transfer-encoding" not in head
        assert b"connection: close" in head
