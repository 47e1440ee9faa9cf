"""The traps of a protocol class of one's own: answers out of order, and answers cut when the gateway stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import pytest

from config.serving import CannotListen
from gateway.exchange import Answer, Forward, OwnPage, RequestHead, Verdict
from gateway.proxy.limits import Limits
from gateway.proxy.server import serve
from tests.gateway.proxy.rig import OK, Asked, free_port, holds, rigged, says


def get(path: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n"


def by_path(head: RequestHead) -> Verdict | Awaitable[Verdict]:
    """Slow own pages, quick answers, proxied and late verdicts, by the first segment of the path."""
    if head.path.startswith(b"/own"):
        return OwnPage()
    if head.path.startswith(b"/here"):
        return Answer(200, body=head.path)
    if head.path.startswith(b"/late"):
        return late(head)
    return Forward("origin")


async def late(head: RequestHead) -> Verdict:
    await asyncio.sleep(0.03)
    return Answer(200, body=head.path)


async def echo_path(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    path = asked.line.split(b" ")[1]
    if path.endswith(b"slow"):
        await asyncio.sleep(0.05)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(path), path))


async def test_pipelined_answers_keep_their_order(folder: Path) -> None:
    wanted = [b"/own?0.05", b"/p/slow", b"/here", b"/late", b"/p", b"/own", b"/own?0.03", b"/here/2", b"/p/2"]
    async with rigged(folder, pipeline=by_path, behaviour=echo_path) as rig:
        client = await rig.client()
        client.send(b"".join(get(path) for path in wanted))
        bodies = [(await client.answer()).body for _ in wanted]
        assert bodies == [
            b"own /own ", b"/p/slow", b"/here", b"/late", b"/p", b"own /own ", b"own /own ", b"/here/2", b"/p/2",
        ]  # fmt: skip
        assert [head.path for head in rig.heads] == [path.partition(b"?")[0] for path in wanted]


async def test_many_pipelined_requests_in_one_piece_are_all_answered(folder: Path) -> None:
    async with rigged(folder, pipeline=by_path) as rig:
        client = await rig.client()
        client.send(b"".join(get(b"/here/%d" % number) for number in range(3000)))
        for number in range(3000):
            assert (await client.answer()).body == b"/here/%d" % number


async def test_what_follows_a_body_is_the_next_request_and_not_the_body(folder: Path) -> None:
    post = b"POST /p HTTP/1.1\r\nHost: a\r\n"
    async with rigged(folder, pipeline=by_path, behaviour=echo_path) as rig:
        client = await rig.client()
        client.send(
            post + b"Content-Length: 3\r\n\r\nabc" + get(b"/p/1")
            + post + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + get(b"/here")
        )  # fmt: skip
        assert [(await client.answer()).body for _ in range(4)] == [b"/p", b"/p/1", b"/p", b"/here"]
        assert [asked.body for asked in rig.origin.asked] == [b"abc", b"", b"abc"]


async def test_a_pipelined_request_after_a_malformed_one_is_not_served(folder: Path) -> None:
    async with rigged(folder, pipeline=by_path, behaviour=echo_path) as rig:
        client = await rig.client()
        client.send(get(b"/p") + b"GET /a//b HTTP/1.1\r\nHost: a\r\n\r\n" + get(b"/p/smuggled"))
        assert (await client.answer()).status == 200
        assert (await client.answer()).status == 400
        assert await client.rest() == b""
        assert len(rig.origin.asked) == 1


@pytest.mark.parametrize("path", [b"/p/slow", b"/own?0.1", b"/late"])
async def test_an_answer_in_flight_is_finished_when_the_gateway_stops(folder: Path, path: bytes) -> None:
    async with rigged(folder, pipeline=by_path, behaviour=echo_path) as rig:
        client, idle = await rig.client(), await rig.client()
        assert (await idle.ask(get(b"/p"))).status == 200
        client.send(get(path))
        await holds(lambda: any(head.path == path.partition(b"?")[0] for head in rig.heads))
        rig.stop.set()
        answer = await client.answer()
        assert answer.status == 200
        assert path.partition(b"?")[0] in answer.body
        assert await client.rest() == b""
        assert await idle.rest() == b""
        await rig.serving


async def test_a_download_in_flight_is_finished_when_the_gateway_stops(folder: Path) -> None:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc")
        await asyncio.sleep(0.1)
        writer.write(b"def")

    async with rigged(folder, behaviour=behave) as rig:
        client = await rig.client()
        client.send(get(b"/"))
        await client.reader.readuntil(b"abc")
        rig.stop.set()
        assert await client.rest() == b"def"


async def test_what_does_not_end_is_cut_when_patience_does(folder: Path) -> None:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with rigged(folder, behaviour=behave, limits=Limits(drain=1)) as rig:
        client = await rig.client()
        client.send(get(b"/"))
        await asyncio.sleep(0.02)
        rig.stop.set()
        await rig.serving
        assert rig.door.clients == 0


async def test_nothing_new_is_taken_after_the_stop(folder: Path) -> None:
    async with rigged(folder, behaviour=says(OK)) as rig:
        await rig.ask(get(b"/"))
        rig.stop.set()
        await rig.serving
        with pytest.raises(OSError):
            await rig.client()


async def test_an_address_in_use_is_named(folder: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    async with rigged(folder, listen=listen) as rig:
        with pytest.raises(CannotListen, match=listen.replace(".", r"\.")):
            await serve(rig.door, listen, lambda: None, asyncio.Event())
