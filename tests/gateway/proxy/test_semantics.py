"""Trailers, interim answers, upgrades, ranges and sizes: what of HTTP passes through, and what stops (RFC 9110)."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.exchange import Forward, OwnPage, RequestHead, Verdict
from gateway.proxy.limits import Limits
from tests.gateway.proxy.rig import OK, Asked, Rig, holds, rigged, says

GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
TE = b"Connection: TE\r\nTE: trailers\r\n"
CLOSING = b"Connection: TE, close\r\nTE: trailers\r\n\r\n"
TRAILED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1a\r\n%b\r\n"
SMUGGLED = (
    b"Munjigi-Assertion: x\r\nmunjigi_assertion: x\r\nSet-Cookie: a=1\r\nContent-Length: 9\r\nX.Sum: 2\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\nTrailer: x\r\nContent-Security-Policy: x\r\nLocation: /\r\n"
)


async def trailed(rig: Rig, head: bytes) -> bytes:
    """What of the answer stands behind its body."""
    client = await rig.client()
    client.send(head + b"\r\n")
    await client.reader.readuntil(b"2\r\nok\r\n0\r\n")
    behind = b""
    while not behind.endswith(b"\r\n\r\n") and behind != b"\r\n":
        behind += await client.reader.readuntil(b"\r\n")
    assert (await client.ask(b"HEAD" + GET[3:] + b"\r\n", without_body=True)).status == 200, "in step"
    return behind


@pytest.mark.parametrize("asks", [TE, b"TE: trailers\r\n", b"te: gzip, TRAILERS\r\n"])
async def test_trailers_of_an_answer_pass_to_whoever_asks_for_them(folder: Path, asks: bytes) -> None:
    async with rigged(folder, behaviour=says(TRAILED % b"Grpc-Status: 0\r\n")) as rig:
        assert await trailed(rig, GET + asks) == b"x-sum: 1a\r\ngrpc-status: 0\r\n\r\n"
        (asked, _) = rig.origin.asked
        assert (asked.values(b"te"), asked.values(b"connection")) == ([b"trailers"], [b"TE"])


@pytest.mark.parametrize("asks", [b"", b"TE: gzip\r\n", b"T_E: trailers\r\n"])
async def test_trailers_stop_where_nobody_asks(folder: Path, asks: bytes) -> None:
    async with rigged(folder, behaviour=says(TRAILED % b"")) as rig:
        assert await trailed(rig, GET + asks) == b"\r\n"
        assert rig.origin.asked[0].values(b"te") == []


async def test_no_trailer_says_what_only_a_header_may(folder: Path) -> None:
    for line in SMUGGLED.splitlines(keepends=True):
        async with rigged(folder, behaviour=says(TRAILED % line)) as rig:
            client = await rig.client()
            client.send(GET + CLOSING)
            head, _, body = (await client.rest()).partition(b"\r\n\r\n")
            if b" 200 " in head:
                assert body == b"2\r\nok\r\n0\r\nx-sum: 1a\r\n\r\n", line
            else:
                assert b" 502 " in head, line  # llhttp does not take it


async def test_no_more_trailers_than_headers(folder: Path) -> None:
    many = b"".join(b"X-%d: 1\r\n" % number for number in range(200))
    async with rigged(folder, behaviour=says(TRAILED % many)) as rig:
        client = await rig.client()
        client.send(GET + CLOSING)
        assert b"x-150" not in await client.rest()


async def sent_behind(rig: Rig, te: bytes, trailers: bytes) -> bytes:
    client = await rig.client()
    client.send(POST + te + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n" + trailers + b"\r\n")
    assert (await client.answer()).status == 200
    return rig.origin.asked[-1].body


@pytest.mark.parametrize("slowly", [False, True])
async def test_trailers_of_a_request_pass_from_whoever_takes_some(folder: Path, slowly: bool) -> None:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.body = await reader.readuntil(b"\r\n0\r\n")
        while not asked.body.endswith(b"\r\n\r\n"):
            asked.body += await reader.readuntil(b"\r\n")
        writer.write(OK)

    def pipeline(head: RequestHead) -> Verdict:
        return Forward("origin", add=[(b"x-signed", b"us")], drop=frozenset({b"x-dropped"}))

    smuggled = SMUGGLED.replace(b"Location: /\r\n", b"Authorization: x\r\nX-Real-IP: 1.1.1.1\r\nX-Signed: them\r\n")
    smuggled += b"X-Dropped: 1\r\nDPoP: x\r\nHost: b\r\nCookie: a=1\r\nX-Forwarded-For: 1.1.1.1\r\nClient-Cert: x\r\n"
    async with rigged(folder, behaviour=behave, pipeline=pipeline) as rig:
        rig.origin.reads_body = False
        if slowly:
            client = await rig.client()
            client.send(POST + TE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n")
            await holds(lambda: bool(rig.origin.asked))
            client.send(b"0\r\nX-Sum: 1a\r\n" + smuggled + b"\r\n")
            assert (await client.answer()).status == 200
            body = rig.origin.asked[-1].body
        else:
            body = await sent_behind(rig, TE, b"X-Sum: 1a\r\n" + smuggled)
        assert body == b"2\r\nhi\r\n0\r\nx-sum: 1a\r\n\r\n"
        assert await sent_behind(rig, b"", b"X-Sum: 1a\r\n") == b"2\r\nhi\r\n0\r\n\r\n"


@pytest.mark.parametrize("line", [b"X Y: 1", b"X\x00: 1", b"X: a\x00b", b": 1", b" X: 1", b"X : 1", b"X: a\x7fb"])
async def test_malformed_trailers_are_refused(folder: Path, line: bytes) -> None:
    async with rigged(folder) as rig:
        rig.origin.reads_body = False
        answer = await rig.ask(POST + TE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n" + line + b"\r\n\r\n")
        assert answer.status == 400


HINTS = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nSet-Cookie: a=1\r\nMunjigi-X: 1\r\nX-A: 1\r\n"
    b"Connection: x-a\r\n\r\n"
)


async def test_interim_answers_pass_and_bear_nothing_that_a_final_one_may_not(folder: Path) -> None:
    async with rigged(folder, behaviour=says(HINTS + HINTS, OK)) as rig:
        client = await rig.client()
        for _ in range(2):
            client.send(GET + b"\r\n")
            for _ in range(2):
                hinted = await client.reader.readuntil(b"\r\n\r\n")
                assert hinted == b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n"
            answer = await client.answer()
            assert (answer.status, answer.body, answer.values(b"link")) == (200, b"ok", [])
        client = await rig.client()
        client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        assert (await client.rest()).startswith(b"HTTP/1.1 200 "), "HTTP/1.0 knows none"


@pytest.mark.parametrize("upgrade", [b"irc/6.9", b"SPDY/3.1", b"websocket, x", b"tcp"])
async def test_an_upgrade_that_does_not_pass_is_refused_by_name(folder: Path, upgrade: bytes) -> None:
    async with rigged(folder) as rig:
        answer = await rig.ask(GET + b"Connection: Upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n")
        assert (answer.status, json.loads(answer.body)["code"]) == (501, "MJ-GATEWAY-111")
        assert rig.origin.asked == []
        assert (await rig.ask(GET + b"Upgrade: " + upgrade + b"\r\n\r\n")).status == 200, "no hop-by-hop option: void"


async def test_ranges_are_the_origins_to_answer(folder: Path) -> None:
    part = b'HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 2-3/9\r\ncontent-length: 2\r\netag: W/"1"\r\n\r\nok'
    asked = b'Range: bytes=2-3\r\nIf-Range: "1"\r\nIf-None-Match: W/"2"\r\nAccept-Encoding: br\r\n\r\n'
    async with rigged(folder, behaviour=says(part)) as rig:
        answer = await rig.ask(GET + asked)
        assert (answer.status, answer.body) == (206, b"ok")
        assert answer.values(b"content-range") == [b"bytes 2-3/9"]
        for name, value in ((b"range", b"bytes=2-3"), (b"if-range", b'"1"'), (b"if-none-match", b'W/"2"')):
            assert rig.origin.asked[0].values(name) == [value]


@pytest.mark.parametrize("framing", [b"Content-Length: 5000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1388\r\n"])
async def test_a_route_says_how_large_a_body_may_be(folder: Path, framing: bytes) -> None:
    sizes = {b"/small": 100, b"/large": 5000, b"/other": None}

    async def later(head: RequestHead) -> Verdict:
        return Forward("origin", body=sizes[head.path])

    def pipeline(head: RequestHead) -> object:
        if head.path == b"/own":
            return OwnPage()
        return later(head) if head.query else Forward("origin", body=sizes[head.path])

    whole = framing + b"x" * 5000 + (b"\r\n0\r\n\r\n" if b"chunked" in framing else b"")
    async with rigged(folder, pipeline=pipeline, limits=Limits(body=1000)) as rig:  # type: ignore[arg-type]
        for path, status in (("small", 413), ("other", 413), ("own", 413), ("large", 200), ("small", 413)):
            for query in ("", "?later"):
                line = f"POST /{path}{query} HTTP/1.1\r\nHost: a\r\n".encode()
                client = await rig.client()
                client.send(line + whole)
                if path == "own" and b"chunked" in framing:
                    assert b" 200 " not in await client.rest()
                else:
                    answer = await client.answer()
                    assert answer.status == status, path
                    assert status == 200 or json.loads(answer.body)["code"] == "MJ-GATEWAY-105"
        assert all(len(asked.body) == 5000 for asked in rig.origin.asked)


async def test_an_upload_that_the_upstream_does_not_take_is_the_upstreams_fault(folder: Path) -> None:
    async def deaf(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with rigged(folder, behaviour=deaf, limits=Limits(body_idle=0.1, first_byte=0.3)) as rig:
        rig.origin.reads_body = False
        client = await rig.client()
        client.send(POST + b"Content-Length: 33554432\r\n\r\n" + b"x" * 33554432)
        answer = await client.answer()
        assert (answer.status, json.loads(answer.body)["code"]) == (504, "MJ-GATEWAY-135")
