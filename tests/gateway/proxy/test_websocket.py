"""Websockets through the gateway (RFC 6455): handshake, bytes, and an end that says why."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import unix_connect
from websockets.asyncio.server import ServerConnection, unix_serve
from websockets.exceptions import ConnectionClosed

from gateway.exchange import Forward, LiveConnection, RequestHead, Verdict
from gateway.proxy.frames import FrameBoundaries, FrameError, close_frame
from gateway.proxy.limits import Limits
from gateway.proxy.websocket import accept_value
from tests.gateway.proxy.rig import Asked, Behaviour, Client, Rig, holds, rigged

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # the key of RFC 6455, section 1.3
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\nSec-WebSocket-Protocol: one, two\r\n\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + ACCEPT
)


class Register:
    """Holds what lives on, as the pipeline's registry does."""

    def __init__(self) -> None:
        self.living: list[LiveConnection] = []
        self.statuses: list[int] = []

    def pipeline(self, head: RequestHead) -> Verdict:
        return Forward("origin", opened=self.living.append, closed=self.living.remove, answered=self.statuses.append)


def switching(*then: bytes, answer: bytes = SWITCH + b"\r\n\r\n") -> Behaviour:
    """An upstream that switches, says some more, and then takes in whatever comes until the other side closes."""

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        for part in then:
            writer.write(part)
        while data := await reader.read(65536):
            asked.body += data
        writer.close()

    return behave


async def opened(rig: Rig) -> Client:
    client = await rig.client()
    answer = await client.ask(HANDSHAKE)
    assert answer.status == 101
    assert answer.values(b"sec-websocket-accept") == [ACCEPT]
    assert answer.values(b"upgrade") == [b"websocket"]
    return client


def test_the_accept_value_is_that_of_the_rfc() -> None:
    assert accept_value(KEY) == ACCEPT


async def test_a_real_client_and_a_real_server_talk(folder: Path) -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    register = Register()
    async with rigged(folder, pipeline=register.pipeline) as rig:
        await rig.origin.stop()
        rig.origin.path.unlink(missing_ok=True)
        async with unix_serve(echo, str(rig.origin.path)):
            async with unix_connect(rig.listen.removeprefix("unix:"), "ws://shop.localhost/ws") as connection:
                for message in ("hello", b"\x00" * 200_000, "x" * 70_000, ""):
                    await connection.send(message)
                    assert await connection.recv() == message
                await connection.ping()
                assert len(register.living) == 1
            await asyncio.sleep(0.02)
            assert register.living == []
            assert register.statuses == [101]
            assert rig.heads[0].upgrade


async def test_a_session_that_ends_closes_with_4401_and_the_reason(folder: Path) -> None:
    closed: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def talk(connection: ServerConnection) -> None:
        try:
            while True:
                await connection.send("tick")
                await asyncio.sleep(0.001)
        except ConnectionClosed as end:
            closed.set_result(end.rcvd.code if end.rcvd else 0)

    register = Register()
    async with rigged(folder, pipeline=register.pipeline) as rig:
        await rig.origin.stop()
        rig.origin.path.unlink(missing_ok=True)
        async with unix_serve(talk, str(rig.origin.path)):
            async with unix_connect(rig.listen.removeprefix("unix:"), "ws://shop.localhost/ws") as connection:
                await connection.recv()
                register.living[0].end("takeover")
                with contextlib.suppress(ConnectionClosed):
                    async for message in connection:
                        assert message == "tick"
                assert (connection.close_code, connection.close_reason) == (4401, "takeover")
            assert await closed == 1001
            assert register.living == []


async def test_the_close_waits_for_the_end_of_the_frame_under_way_and_nothing_follows(folder: Path) -> None:
    proceed = asyncio.Event()

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SWITCH + b"\r\n\r\n\x82\x05ab")
        await proceed.wait()
        writer.write(b"cde\x82\x06secret")
        await reader.read(65536)

    register = Register()
    async with rigged(folder, pipeline=register.pipeline, behaviour=behave) as rig:
        client = await opened(rig)
        assert await client.reader.readexactly(4) == b"\x82\x05ab"
        register.living[0].end("ended")
        client.send(b"\x81\x82\0\0\0\0hi")
        proceed.set()
        assert await client.rest() == b"cde" + close_frame(4401, "ended")


async def test_a_frame_that_does_not_end_is_cut(folder: Path) -> None:
    register = Register()
    async with rigged(folder, pipeline=register.pipeline, behaviour=switching(b"\x82\x05ab")) as rig:
        client = await opened(rig)
        await client.reader.readexactly(4)
        began = asyncio.get_running_loop().time()
        register.living[0].end("ended")
        with contextlib.suppress(ConnectionResetError):
            assert await client.rest() == b""
        assert 0.02 < asyncio.get_running_loop().time() - began < 0.2
        assert register.living == []


async def test_a_client_that_does_not_answer_the_close_is_cut(folder: Path) -> None:
    register = Register()
    limits = Limits(close_handshake=0.05)
    async with rigged(folder, pipeline=register.pipeline, behaviour=switching(), limits=limits) as rig:
        client = await opened(rig)
        register.living[0].end("ended")
        assert await client.reader.readexactly(9) == close_frame(4401, "ended")
        client.send(b"\x81\x82\0\0\0\0hi" * 10)
        with contextlib.suppress(ConnectionResetError):
            assert await client.rest() == b""
        assert b"hi" not in rig.origin.asked[0].body
        assert register.living == []


async def test_a_client_that_answers_the_close_is_closed_at_once(folder: Path) -> None:
    register = Register()
    async with rigged(folder, pipeline=register.pipeline, behaviour=switching()) as rig:
        client = await opened(rig)
        register.living[0].end("ended")
        await client.reader.readexactly(9)
        client.send(close_frame(4401, mask=b"abcd"))
        began = asyncio.get_running_loop().time()
        assert await client.rest() == b""
        assert asyncio.get_running_loop().time() - began < 0.5


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x02hi", 1002),
        (b"\x08\x80\0\0\0\0", 1002),
        (b"\x89\xfe\0\x80\0\0\0\0", 1002),
        (b"\x82\xff" + (1 << 40).to_bytes(8, "big") + b"\0\0\0\0", 1009),
        (b"\x82\xff" + b"\xff" * 8 + b"\0\0\0\0", 1009),
    ],
)
async def test_a_client_that_breaks_the_protocol_is_told_and_nothing_passes(
    folder: Path, frame: bytes, code: int
) -> None:
    async with rigged(folder, behaviour=switching(), limits=Limits(close_handshake=0.05)) as rig:
        client = await opened(rig)
        assert (await client.ask_bytes(frame, 4))[2:4] == code.to_bytes(2, "big")
        assert rig.origin.asked[0].body == b""


async def test_an_upstream_that_goes_away_is_told_as_1001(folder: Path) -> None:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(SWITCH + b"\r\n\r\n")
        await writer.drain()
        writer.close()

    async with rigged(folder, behaviour=behave) as rig:
        client = await opened(rig)
        assert (await client.rest()) == close_frame(1001, "upstream gone")


async def test_a_websocket_is_ended_with_1001_when_the_gateway_stops(folder: Path) -> None:
    async with rigged(folder, behaviour=switching(), limits=Limits(close_handshake=0.05)) as rig:
        client = await opened(rig)
        rig.stop.set()
        assert (await client.reader.readexactly(4))[2:4] == (1001).to_bytes(2, "big")
        await rig.serving


@pytest.mark.parametrize("limits", [Limits(stream_idle=0.05), Limits(websocket=0.05)])
async def test_idle_time_and_life_are_bounded(folder: Path, limits: Limits) -> None:
    async with rigged(folder, behaviour=switching(), limits=limits) as rig:
        client = await opened(rig)
        assert (await client.reader.readexactly(4))[2:4] == (1001).to_bytes(2, "big")


async def test_what_the_client_sends_ahead_of_the_switch_arrives_after_it(folder: Path) -> None:
    async with rigged(folder, behaviour=switching(b"\x81\x02yo")) as rig:
        client = await rig.client()
        client.send(HANDSHAKE + b"\x81\x82\0\0\0\0hi")
        assert (await client.answer()).status == 101
        assert await client.reader.readexactly(4) == b"\x81\x02yo"
        await holds(lambda: rig.origin.asked[0].body == b"\x81\x82\0\0\0\0hi")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"Version: 13", b"Version: 8"), 426),
        ((b"Sec-WebSocket-Version: 13\r\n", b""), 426),
        ((KEY, b"short"), 400),
        ((b"Sec-WebSocket-Key: " + KEY, b"X: y"), 400),
        ((b"GET", b"POST"), 400),
        ((b"\r\nHost", b"\r\nContent-Length: 2\r\nHost"), 400),
    ],
)
async def test_a_malformed_handshake_is_refused(folder: Path, change: tuple[bytes, bytes], status: int) -> None:
    async with rigged(folder) as rig:
        answer = await rig.ask(HANDSHAKE.replace(*change))
        assert answer.status == status
        assert answer.values(b"sec-websocket-version") == ([b"13"] if status == 426 else [])
        assert rig.origin.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        SWITCH.replace(ACCEPT, b"AAAAAAAAAAAAAAAAAAAAAAAAAAA=") + b"\r\n\r\n",
        SWITCH.replace(b"Upgrade: websocket", b"Upgrade: h2c") + b"\r\n\r\n",
        SWITCH.replace(b"Connection: Upgrade\r\n", b"") + b"\r\n\r\n",
        SWITCH + b"\r\nSec-WebSocket-Protocol: three\r\n\r\n",
        SWITCH + b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        SWITCH + b"\r\nSec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n",
    ],
)
async def test_a_switch_that_does_not_answer_the_handshake_is_a_502(folder: Path, answer: bytes) -> None:
    async with rigged(folder, behaviour=switching(answer=answer)) as rig:
        client = await rig.client()
        told = await client.ask(HANDSHAKE)
        assert (told.status, json.loads(told.body)["code"]) == (502, "MJ-GATEWAY-134")


async def test_an_upstream_may_refuse_the_handshake_in_its_own_words(folder: Path) -> None:
    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert asked.values(b"connection") == [b"Upgrade"]
        assert asked.values(b"upgrade") == [b"websocket"]
        writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno")

    async with rigged(folder, behaviour=behave) as rig:
        client = await rig.client()
        assert (await client.ask(HANDSHAKE)).body == b"no"


async def test_websockets_do_not_use_up_the_pool(folder: Path) -> None:
    async with rigged(folder, behaviour=switching(), limits=Limits(upstream_connections=1)) as rig:
        for _ in range(3):
            await opened(rig)
        assert rig.pool.targets[0].open == 0


async def test_a_slow_reader_of_a_websocket_slows_the_upstream(folder: Path) -> None:
    sent = 0
    frame = b"\x82\x7f" + (1 << 20).to_bytes(8, "big") + b"x" * (1 << 20)

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(SWITCH + b"\r\n\r\n")
        for _ in range(32):
            writer.write(frame)
            await writer.drain()
            sent += 1

    async with rigged(folder, behaviour=behave) as rig:
        client = await opened(rig)
        await asyncio.sleep(0.1)
        assert sent <= 4
        await client.reader.readexactly(32 * len(frame))


def frame(opcode: int, payload: bytes, *, masked: bool) -> bytes:
    size = len(payload)
    bit = 0x80 if masked else 0
    if size < 126:
        length = bytes([bit | size])
    elif size < 1 << 16:
        length = bytes([bit | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([bit | 127]) + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + (b"abcd" if masked else b"") + payload


@given(
    sizes=st.lists(st.sampled_from([0, 1, 125, 126, 127, 65535, 65536, 70000]), max_size=5),
    cuts=st.lists(st.integers(0, 200_000)),
    masked=st.booleans(),
)
def test_boundaries_are_found_however_the_bytes_are_cut(sizes: list[int], cuts: list[int], masked: bool) -> None:
    frames = [frame(2, b"\x88" * size, masked=masked) for size in sizes]
    ends = {0}
    for one in frames:
        ends.add(max(ends) + len(one))
    data = b"".join(frames)
    boundaries = FrameBoundaries(masked=masked, bound=1 << 20)
    at = 0
    for cut in [*sorted({cut for cut in cuts if cut < len(data)}), len(data)]:
        assert boundaries.advance(data[at:cut]) == cut - at
        at = cut
        assert boundaries.at_boundary is (at in ends)
    again = FrameBoundaries(masked=masked, bound=1 << 20)
    at = 0
    found = set()
    while at < len(data):
        at += again.advance(data[at:], stop_at_boundary=True)
        found.add(at)
    assert found == ends - {0}


def test_nothing_may_follow_a_close_frame() -> None:
    boundaries = FrameBoundaries(masked=False, bound=100)
    with pytest.raises(FrameError):
        boundaries.advance(close_frame(1000) + frame(1, b"x", masked=False))


def test_a_reason_is_cut_at_a_character() -> None:
    sent = close_frame(4401, "끝" * 60)
    assert len(sent) <= 2 + 125
    assert sent[4:].decode() == "끝" * 41
