"""Clients that send without end: what they cost stays small, whatever they do not read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from gateway.exchange import Answer, RequestHead, Verdict
from tests.gateway.proxy.rig import OK, Asked, holds, rigged

GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"


def here(head: RequestHead) -> Verdict:
    return Answer(200, body=b"x" * 1000)


async def test_one_empty_line_before_a_request_is_ignored(folder: Path) -> None:
    async with rigged(folder, pipeline=here) as rig:
        client = await rig.client()
        assert (await client.ask(b"\r\n" + GET)).status == 200
        assert (await client.ask(b"\r\n" + GET)).status == 200


async def test_empty_lines_without_end_are_refused(folder: Path) -> None:
    async with rigged(folder, pipeline=here) as rig:
        client = await rig.client()
        client.send(b"\r\n" * 30_000)
        assert (await client.answer()).status == 400
        one_by_one = await rig.client()
        for _ in range(3):
            one_by_one.send(b"\r\n")
            await asyncio.sleep(0)
        assert (await one_by_one.answer()).status == 400


async def test_requests_ahead_wait_until_their_answers_are_read(folder: Path) -> None:
    async with rigged(folder, pipeline=here) as rig:
        client = await rig.client()
        count = 20_000
        client.send(GET * count)
        connection: Any = None

        def paused() -> bool:
            nonlocal connection
            connection = next(iter(rig.door.watch.watched - {rig.pool}), None)
            return connection is not None and connection._held and connection._write_paused_at < float("inf")

        await holds(paused)
        assert len(rig.heads) < count
        assert connection.transport.get_write_buffer_size() < 1024 * 1024
        for _ in range(count):
            assert (await client.answer()).status == 200
        assert len(rig.heads) == count


async def test_a_connection_that_is_closing_is_not_used(folder: Path) -> None:
    """A POST could not be sent again: the pool must not give out what the upstream has closed already."""

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    async with rigged(folder, behaviour=behave) as rig:
        assert (await rig.ask(GET)).status == 200
        await holds(lambda: bool(rig.pool._idle))
        idle = rig.pool._idle[0]
        idle.transport.close()
        assert rig.pool.take(safe=False) is None
        assert (await rig.ask(GET.replace(b"GET", b"POST"))).status == 200


async def test_a_refusal_is_not_taken_away_by_what_the_client_still_sends(folder: Path) -> None:
    async with rigged(folder, pipeline=here) as rig:
        client = await rig.client()
        assert (await client.ask(b"POST /a//b HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n")).status == 400
        client.send(b"x" * 9000)
        assert await client.rest() == b""
        await client.writer.drain()
