"""Streams both ways: piece by piece, no faster than the slower side, and with an end to patience."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import pytest

from gateway.exchange import Forward, LiveConnection, RequestHead, Verdict
from gateway.proxy.limits import Limits
from tests.gateway.proxy.rig import OK, Asked, holds, rigged, says

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
MEGABYTE = 1 << 20
HELD = 4 * MEGABYTE
"""What sockets and transports on the way may hold; far below what is sent."""


async def test_pieces_of_a_response_are_passed_on_as_they_come(folder: Path) -> None:
    proceed = asyncio.Event()

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"
        )
        await proceed.wait()
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")

    async with rigged(folder, behaviour=behave) as rig:
        client = await rig.client()
        client.send(GET)
        assert (await client.reader.readuntil(b"one\r\n")).endswith(b"3\r\none\r\n")
        proceed.set()
        assert await client.reader.readuntil(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"


async def test_pieces_of_a_request_are_passed_on_as_they_come(folder: Path) -> None:
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            seen.put_nowait(await reader.readexactly(3))
        writer.write(OK)

    async with rigged(folder, behaviour=behave) as rig:
        rig.origin.reads_body = False
        client = await rig.client()
        client.send(POST + b"Content-Length: 6\r\n\r\none")
        assert await seen.get() == b"one"
        client.send(b"two")
        assert await seen.get() == b"two"
        assert (await client.answer()).status == 200


@pytest.mark.parametrize("framing", [b"content-length: %d" % (16 * MEGABYTE), b"transfer-encoding: chunked"])
async def test_a_slow_reader_slows_the_upstream_and_gets_everything(folder: Path, framing: bytes) -> None:
    sent = 0

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        chunked = framing.endswith(b"chunked")
        writer.write(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
        for _ in range(16):
            piece = b"x" * MEGABYTE
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await writer.drain()
            sent += MEGABYTE
        if chunked:
            writer.write(b"0\r\n\r\n")

    async with rigged(folder, behaviour=behave) as rig:
        client = await rig.client()
        client.send(GET)
        await asyncio.sleep(0.2)
        assert sent <= HELD
        assert len((await client.answer()).body) == 16 * MEGABYTE
        assert (await client.ask(b"HEAD" + GET[3:], without_body=True)).status == 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_slow_upstream_slows_the_sender_and_gets_everything(folder: Path, chunked: bool) -> None:
    proceed = asyncio.Event()
    received = 0

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        await proceed.wait()
        while received < 32 * MEGABYTE + (32 * len(b"100000\r\n\r\n") + 5 if chunked else 0):
            piece = await reader.read(MEGABYTE)
            assert piece
            received += len(piece)
            if chunked and piece.endswith(b"\r\n0\r\n\r\n"):
                break
        writer.write(OK)

    async with rigged(folder, behaviour=behave) as rig:
        rig.origin.reads_body = False
        client = await rig.client()
        client.send(
            POST + (b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (32 * MEGABYTE)) + b"\r\n\r\n"
        )
        sent = 0

        async def send() -> None:
            nonlocal sent
            for _ in range(32):
                piece = b"x" * MEGABYTE
                client.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                await client.writer.drain()
                sent += MEGABYTE
            if chunked:
                client.send(b"0\r\n\r\n")

        sending = asyncio.create_task(send())
        await asyncio.sleep(0.2)
        assert sent <= HELD
        proceed.set()
        await sending
        assert (await client.answer()).status == 200
        assert received >= 32 * MEGABYTE


async def test_a_body_is_held_only_within_bounds_while_the_verdict_is_awaited(folder: Path) -> None:
    decide = asyncio.Event()

    async def pipeline(head: RequestHead) -> Verdict:
        await decide.wait()
        return Forward("origin")

    async with rigged(folder, pipeline=pipeline) as rig:
        client = await rig.client()
        client.send(POST + b"Content-Length: %d\r\n\r\n" % (16 * MEGABYTE))
        client.send(b"x" * (16 * MEGABYTE))
        await asyncio.sleep(0.1)
        (protocol,) = [one for one in rig.door.watch.watched if hasattr(one, "_body_early")]
        assert len(protocol._body_early) <= MEGABYTE
        decide.set()
        assert (await client.answer()).status == 200
        assert len(rig.origin.asked[0].body) == 16 * MEGABYTE


async def test_an_early_answer_ends_the_exchange_and_both_connections(folder: Path) -> None:
    early = says(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
    async with rigged(folder, behaviour=early) as rig:
        rig.origin.reads_body = False
        client = await rig.client()
        answer = await client.ask(POST + b"Content-Length: 100000\r\n\r\nabc")
        assert (answer.status, answer.body) == (413, b"no")
        assert answer.values(b"connection") == [b"close"]
        assert await client.rest() == b""
        assert rig.pool._idle == []


@pytest.mark.parametrize(
    ("sent", "limits"),
    [
        (b"GET / HTTP/1.1\r\nHost:", Limits(head_time=0.05)),
        (POST + b"Content-Length: 5\r\n\r\nab", Limits(body_idle=0.05)),
    ],
)
async def test_a_slow_sender_is_told_and_dropped(folder: Path, sent: bytes, limits: Limits) -> None:
    async with rigged(folder, limits=limits) as rig:
        client = await rig.client()
        answer = await client.ask(sent)
        assert (answer.status, json.loads(answer.body)["code"]) == (408, "MJ-GATEWAY-107")
        assert await client.rest() == b""


async def test_a_silent_connection_is_closed(folder: Path) -> None:
    async with rigged(folder, limits=Limits(head_time=0.05, keep_alive=0.05)) as rig:
        assert await (await rig.client()).rest() == b""
        client = await rig.client()
        assert (await client.ask(GET)).status == 200
        assert await client.rest() == b""


async def test_a_client_that_never_reads_is_dropped(folder: Path) -> None:
    big = says(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (16 * MEGABYTE) + b"x" * (16 * MEGABYTE))
    async with rigged(folder, behaviour=big, limits=Limits(slow_reader=0.1)) as rig:
        client = await rig.client()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a Transport reads too
        client.send(GET)
        await holds(lambda: rig.door.clients == 1)
        await holds(lambda: rig.door.clients == 0)


async def test_a_pipeline_that_does_not_come_to_an_end_is_a_503(folder: Path) -> None:
    cancelled = asyncio.Event()

    async def pipeline(head: RequestHead) -> Verdict:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    async with rigged(folder, pipeline=pipeline, limits=Limits(decide=0.05)) as rig:
        answer = await rig.ask(GET)
        assert (answer.status, json.loads(answer.body)["code"]) == (503, "MJ-GATEWAY-121")
        await cancelled.wait()


async def test_more_clients_than_allowed_are_told(folder: Path) -> None:
    async with rigged(folder, limits=Limits(clients=1)) as rig:
        assert (await (await rig.client()).ask(GET)).status == 200
        assert (await (await rig.client()).answer()).status == 503


async def silent(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An upstream that takes its time."""
    await reader.read(1)


class Register:
    """Holds what lives on, as the pipeline's registry does."""

    def __init__(self) -> None:
        self.living: list[LiveConnection] = []
        self.opened = asyncio.Event()

    def pipeline(self, head: RequestHead) -> Verdict:
        return Forward("origin", opened=self._opened, closed=self.living.remove)

    def _opened(self, live: LiveConnection) -> None:
        self.living.append(live)
        self.opened.set()


async def test_a_stream_is_registered_ended_and_forgotten(folder: Path) -> None:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")
        await reader.read(1)

    register = Register()
    async with rigged(folder, behaviour=behave, pipeline=register.pipeline, limits=Limits(live_after=0.03)) as rig:
        client = await rig.client()
        client.send(GET)
        await client.reader.readuntil(b"data: 1\n\n")
        await register.opened.wait()
        began = asyncio.get_running_loop().time()
        register.living[0].end("takeover")
        rest = b""
        with contextlib.suppress(ConnectionResetError):
            rest = await client.rest()
        assert asyncio.get_running_loop().time() - began < 0.05
        assert not rest.endswith(b"0\r\n\r\n")
        assert register.living == []


@pytest.mark.parametrize(
    "head",
    [
        b"content-type: text/event-stream\r\n\r\n",
        b"content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n",
        b"content-type: video/mp4\r\ncontent-length: 100000\r\n\r\n",
        b"content-type: text/event-stream\r\ncontent-length: 104857600\r\n\r\n",
        b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n[\r\n",
        b"content-type: text/plain\r\n\r\na",
    ],
)
async def test_what_is_known_to_last_is_registered_at_once(folder: Path, head: bytes) -> None:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n" + head)
        await reader.read(1)

    register = Register()
    async with rigged(folder, behaviour=behave, pipeline=register.pipeline, limits=Limits(live_after=60)) as rig:
        client = await rig.client()
        client.send(GET)
        rig.door.watch.stop()  # at once: no tick passes
        await client.reader.readuntil(b"\r\n\r\n")
        assert register.opened.is_set()
        register.living[0].end("takeover")
        with contextlib.suppress(ConnectionResetError):
            assert not (await client.rest()).endswith(b"0\r\n\r\n")
        assert register.living == []


@pytest.mark.parametrize("framing", [b"content-length: 10", b"transfer-encoding: chunked"])
async def test_a_body_that_comes_piece_by_piece_is_registered_at_once(folder: Path, framing: bytes) -> None:
    register = Register()
    limits = Limits(live_after=60)
    async with rigged(folder, behaviour=silent, pipeline=register.pipeline, limits=limits) as rig:
        rig.door.watch.stop()
        client = await rig.client()
        client.send(b"POST / HTTP/1.1\r\nhost: a\r\n" + framing + b"\r\n\r\n")
        await register.opened.wait()
        register.living[0].end("takeover")
        answer = await client.answer()
        assert (answer.status, json.loads(answer.body)["code"]) == (503, "MJ-GATEWAY-137")
        assert register.living == []


async def test_an_answer_without_a_length_that_is_there_at_once_is_never_registered(folder: Path) -> None:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")

    register = Register()
    async with rigged(folder, behaviour=behave, pipeline=register.pipeline) as rig:
        rig.door.watch.stop()
        client = await rig.client()
        assert (await client.ask(GET)).status == 200
        assert not register.opened.is_set()


async def test_a_long_download_ends_while_it_flows(folder: Path) -> None:
    """Bytes are on their way all the while; none comes once it was ended, but what the sockets held."""
    sent = 0

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (1 << 40))
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    register = Register()
    async with rigged(folder, behaviour=behave, pipeline=register.pipeline, limits=Limits(live_after=60)) as rig:
        client = await rig.client()
        client.send(GET)
        await client.reader.readexactly(4 * MEGABYTE)
        await register.opened.wait()
        register.living[0].end("takeover")
        after = sent
        with contextlib.suppress(ConnectionResetError):
            while await client.reader.read(65536):
                pass
        assert sent - after < HELD


async def test_a_quick_exchange_is_never_registered(folder: Path) -> None:
    register = Register()
    async with rigged(folder, pipeline=register.pipeline) as rig:
        rig.door.watch.stop()  # time passes only by hand: a slow machine makes no exchange older
        client = await rig.client()
        assert (await client.ask(GET)).status == 200
        (connection,) = rig.door.watch.watched - {rig.pool}
        connection.check(rig.door.watch.now + rig.door.limits.live_after)
        assert not register.opened.is_set()


async def test_the_end_of_a_finished_stream_leaves_the_next_exchange_alone(folder: Path) -> None:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.08)
        writer.write(OK)

    register = Register()
    held: list[LiveConnection] = []
    async with rigged(folder, behaviour=behave, pipeline=register.pipeline, limits=Limits(live_after=0.02)) as rig:
        client = await rig.client()
        client.send(GET)
        await register.opened.wait()
        held += register.living
        assert (await client.answer()).status == 200
        assert register.living == []
        client.send(GET)
        held[0].end("late")
        assert (await client.answer()).status == 200


async def test_what_ends_before_its_answer_began_is_told(folder: Path) -> None:
    register = Register()
    async with rigged(folder, behaviour=silent, pipeline=register.pipeline, limits=Limits(live_after=0.02)) as rig:
        client = await rig.client()
        client.send(GET)
        await register.opened.wait()
        register.living[0].end("takeover")
        answer = await client.answer()
        problem = json.loads(answer.body)
        assert (answer.status, problem["code"]) == (503, "MJ-GATEWAY-137")
        assert "takeover" in problem["detail"]
        assert register.living == []
