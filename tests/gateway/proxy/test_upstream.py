"""Upstream connections: kept while in step, dropped when not, retried only where nothing can happen twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import pytest

from gateway.exchange import Forward
from gateway.proxy.breaker import State
from gateway.proxy.limits import Limits
from tests.gateway.proxy.rig import OK, Asked, rigged, says

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"

OUT_OF_STEP = {
    "bytes after the body": OK + b"X",
    "a second response": OK + OK,
    "the beginning of a second response": OK + b"HTTP/1.1 2",
    "a second response without headers": OK + b"HTTP/1.1 204 No Content\r\n\r\n",
    "a body where there is none": b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok",
    "bytes after the last chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nX",
    "connection: close": b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
}
MALFORMED = {
    "no HTTP": b"hello\r\n\r\n",
    "two framings": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
    "another coding": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok",
    "codings": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\n\r\nok",
    "bare LF": b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
    "obs-fold": b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\n\r\nok",
    "a status below 100": b"HTTP/1.1 099 X\r\ncontent-length: 0\r\n\r\n",
    "a status above 599": b"HTTP/1.1 600 X\r\ncontent-length: 0\r\n\r\n",
    "101 that nobody asked for": b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 200 + b"content-length: 0\r\n\r\n",
    "endless interim heads": b"HTTP/1.1 102 Processing\r\n\r\n" * 100 + OK,
}


@pytest.mark.parametrize("name", OUT_OF_STEP)
async def test_a_connection_that_lost_step_is_not_used_again(folder: Path, name: str) -> None:
    async with rigged(folder, behaviour=says(OUT_OF_STEP[name])) as rig:
        client = await rig.client()
        for number in range(1, 4):
            answer = await client.ask(GET)
            assert answer.status in (200, 204)
            assert rig.origin.connections == number


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_response_is_a_502_and_the_client_lives_on(folder: Path, name: str) -> None:
    async with rigged(folder, behaviour=says(MALFORMED[name])) as rig:
        client = await rig.client()
        answer = await client.ask(GET)
        assert answer.status == 502
        assert json.loads(answer.body)["code"] == "MJ-GATEWAY-134"
        assert answer.values(b"content-type") == [b"application/problem+json"]
        rig.origin.behaviour = says(OK)
        assert (await client.ask(GET)).status == 200


async def test_bytes_on_an_unused_connection_close_it(folder: Path) -> None:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(0.03)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison")

    async with rigged(folder, behaviour=behave) as rig:
        client = await rig.client()
        assert (await client.ask(GET)).body == b"ok"
        await asyncio.sleep(0.08)
        assert (await client.ask(GET)).body == b"ok"
        assert rig.origin.connections == 2


async def test_a_request_that_nothing_happened_to_is_sent_again_on_another_connection(folder: Path) -> None:
    async def once_then_close(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len([other for other in rig.origin.asked if other.head == asked.head]) % 2 == 0:
            writer.transport.abort()
        else:
            writer.write(OK)

    async with rigged(folder) as rig:
        client = await rig.client()
        await client.ask(GET)
        rig.origin.behaviour = once_then_close
        # the kept-alive connection is closed as the request arrives: as if it had timed out just then
        closing = rig.origin.asked
        closing.clear()

        async def close_first(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(closing) == 1:
                writer.transport.abort()
            else:
                writer.write(OK)

        rig.origin.behaviour = close_first
        assert (await client.ask(GET)).status == 200
        assert len(closing) == 2
        closing.clear()
        answer = await client.ask(POST)
        assert answer.status == 502
        assert json.loads(answer.body)["code"] == "MJ-GATEWAY-133"
        assert len(closing) == 1


async def test_nothing_is_sent_again_on_a_fresh_connection(folder: Path) -> None:
    async def refuse(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with rigged(folder, behaviour=refuse) as rig:
        assert (await rig.ask(GET)).status == 502
        assert len(rig.origin.asked) == 1


async def test_nothing_is_sent_again_after_the_first_byte_of_an_answer(folder: Path) -> None:
    async with rigged(folder) as rig:
        client = await rig.client()
        await client.ask(GET)
        rig.origin.behaviour = says(b"HTTP/1.1 2", close=True)
        assert (await client.ask(GET)).status == 502
        assert len(rig.origin.asked) == 2


async def test_a_response_that_breaks_off_is_cut_for_the_client_too(folder: Path) -> None:
    async with rigged(folder, behaviour=says(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", close=True)) as rig:
        client = await rig.client()
        client.send(GET)
        received = b""
        with contextlib.suppress(ConnectionResetError):
            received = await client.rest()
        assert not received.endswith(b"0\r\n\r\n")
        assert b"502" not in received


async def test_chunks_that_break_off_have_no_end_for_the_client_either(folder: Path) -> None:
    broken = says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", close=True)
    async with rigged(folder, behaviour=broken) as rig:
        client = await rig.client()
        client.send(GET)
        try:
            received = await client.rest()
        except ConnectionResetError:
            received = b""
        assert not received.endswith(b"0\r\n\r\n")


async def test_an_upstream_that_is_away_is_a_503_and_then_rests(folder: Path) -> None:
    async with rigged(folder) as rig:
        await rig.origin.stop()
        client = await rig.client()
        for _ in range(5):
            answer = await client.ask(GET)
            assert answer.status == 503
            assert json.loads(answer.body)["code"] == "MJ-GATEWAY-131"
            assert answer.values(b"retry-after") == [b"1"]
            assert answer.values(b"cache-control") == [b"no-store"]
        assert rig.pool.targets[0].state is State.OPEN
        rig.origin.path.unlink(missing_ok=True)
        await rig.origin.start()
        await asyncio.sleep(1.1)
        assert (await client.ask(GET)).status == 200


async def test_an_unknown_upstream_is_a_502(folder: Path) -> None:
    async with rigged(folder, pipeline=lambda head: Forward("nobody")) as rig:
        assert (await rig.ask(GET)).status == 502


async def test_a_silent_upstream_is_a_504(folder: Path) -> None:
    async def sleep(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with rigged(folder, behaviour=sleep, limits=Limits(first_byte=0.05)) as rig:
        client = await rig.client()
        answer = await client.ask(GET)
        assert answer.status == 504
        assert json.loads(answer.body)["code"] == "MJ-GATEWAY-135"
        rig.origin.behaviour = says(OK)
        assert (await client.ask(GET)).status == 200


async def test_a_stream_that_falls_silent_is_cut(folder: Path) -> None:
    async def stall(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
        await asyncio.sleep(60)

    async with rigged(folder, behaviour=stall, limits=Limits(stream_idle=0.05)) as rig:
        client = await rig.client()
        client.send(GET)
        await client.reader.readuntil(b"abc")
        with contextlib.suppress(ConnectionResetError):
            assert await client.rest() == b""


async def test_connections_are_bounded_and_waited_for_in_order(folder: Path) -> None:
    async def slow(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(OK)

    limits = Limits(upstream_connections=2, upstream_waiting=4)
    async with rigged(folder, behaviour=slow, limits=limits) as rig:
        clients = [await rig.client() for _ in range(6)]
        answers = await asyncio.gather(*(client.ask(GET) for client in clients))
        assert [answer.status for answer in answers] == [200] * 6
        assert rig.origin.connections <= 2


async def test_more_waiting_than_allowed_is_a_503(folder: Path) -> None:
    async def sleep(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    limits = Limits(upstream_connections=1, upstream_waiting=1, connect=0.1)
    async with rigged(folder, behaviour=sleep, limits=limits) as rig:
        first, second, third = [await rig.client() for _ in range(3)]
        first.send(GET)
        await asyncio.sleep(0.03)
        second.send(GET)
        await asyncio.sleep(0.02)
        answer = await third.ask(GET)
        assert (answer.status, json.loads(answer.body)["code"]) == (503, "MJ-GATEWAY-132")
        assert (await second.answer()).status == 503


async def test_an_unused_connection_is_closed_before_the_upstream_loses_patience(folder: Path) -> None:
    async with rigged(folder, limits=Limits(upstream_keep_alive=0.05)) as rig:
        client = await rig.client()
        await client.ask(GET)
        await asyncio.sleep(0.12)
        assert rig.origin.closed == 1
        assert (await client.ask(GET)).status == 200


async def test_a_client_that_leaves_takes_its_upstream_connection_along(folder: Path) -> None:
    gone = asyncio.Event()

    async def wait(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.read(1) == b""
        gone.set()
        raise ConnectionResetError

    async with rigged(folder, behaviour=wait) as rig:
        client = await rig.client()
        client.send(GET)
        await asyncio.sleep(0.03)
        client.writer.close()
        await gone.wait()
        assert rig.pool.targets[0].idle == []


async def test_an_answer_that_begins_as_one_before_is_read_as_strictly(folder: Path) -> None:
    """Its head is known, what follows is not: other bodies, no body, too much, too little, in pieces."""
    answers = iter((OK, OK[:-2] + b"no", OK[:-1], OK[:-2], OK, OK + b"X", OK))

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = next(answers)
        writer.write(answer)
        if asked.line.startswith(b"GET /slow"):
            await asyncio.sleep(0.02)
            writer.write(OK[len(answer) :])

    async with rigged(folder, behaviour=behave) as rig:
        client = await rig.client()
        assert (await client.ask(GET)).body == b"ok"
        assert (await client.ask(GET)).body == b"no"
        assert (await client.ask(GET.replace(b"/", b"/slow", 1))).body == b"ok"
        assert (await client.ask(GET.replace(b"GET", b"HEAD"), without_body=True)).values(b"content-length") == [b"2"]
        assert (await client.ask(GET)).body == b"ok"
        assert rig.origin.connections == 1
        assert (await client.ask(GET)).body == b"ok"
        assert (await client.ask(GET)).body == b"ok"
        assert rig.origin.connections == 2
        assert len(rig.door.pools.by_name["origin"].targets[0].heads) == 1
