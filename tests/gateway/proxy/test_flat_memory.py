"""Bodies of any size pass through a process whose memory stays as it is, whichever side is slow."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.gateway.proxy.authority import Authority
from tests.gateway.proxy.rig import OK, free_port

MEBIBYTE = 1 << 20
SMALL, LARGE = 64 * MEBIBYTE, 1024 * MEBIBYTE
GROWTH = 12 * MEBIBYTE
"""What the process may grow by while a body passes: buffers of four sockets, and TLS's."""
SLOW = 0.3
"""Seconds for which the slow side does nothing at all."""
PIECE = b"x" * (256 * 1024)

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@dataclass
class Alone:
    """The process, and what the service behind it sent and got."""

    process: asyncio.subprocess.Process
    connect: Connect
    sent: int = 0
    got: int = 0
    stalled_at: int = 0
    proceed: asyncio.Event = field(default_factory=asyncio.Event)

    def peak(self) -> int:
        """The most that ever stood in memory (proc(5), VmHWM), in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) * 1024


async def serve(alone: Alone, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """`GET /SIZE` sends so much; a `POST` is taken once it may proceed."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET"):
                size = int(head.split(b" ")[1][1:])
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
                for _ in range(size // len(PIECE)):
                    writer.write(PIECE)
                    await writer.drain()
                    alone.sent += len(PIECE)
            else:
                left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await alone.proceed.wait()
                while left:
                    piece = await reader.read(min(left, len(PIECE)))
                    assert piece
                    left -= len(piece)
                    alone.got += len(piece)
                writer.write(OK)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@asynccontextmanager
async def standing_alone(folder: Path, *, tls: bool) -> AsyncIterator[Alone]:
    authority, port = Authority(folder), free_port()
    authority.server("localhost")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.gateway.proxy.alone", str(folder), f"127.0.0.1:{port}", "tls" if tls else "plain",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = authority.trusting() if tls else None
        return await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname="localhost" if tls else None
        )

    alone = Alone(process, connect)
    origin = await asyncio.start_unix_server(lambda r, w: serve(alone, r, w), str(folder / "origin.sock"))
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield alone
    finally:
        process.stdin.close()
        await process.wait()
        origin.close()


async def passes_in_flat_memory(folder: Path, size: int, *, tls: bool) -> None:
    async with standing_alone(folder, tls=tls) as alone:
        reader, writer = await alone.connect()

        async def download(length: int, pause: float) -> None:
            writer.write(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % length)
            await asyncio.sleep(pause)
            alone.stalled_at = alone.sent
            await reader.readuntil(b"\r\n\r\n")
            left = length
            while left:
                piece = await reader.read(min(left, len(PIECE)))
                assert piece
                left -= len(piece)

        async def upload(length: int, pause: float) -> None:
            alone.proceed.clear()
            writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % length)
            sent = 0

            async def send() -> None:
                nonlocal sent
                for _ in range(length // len(PIECE)):
                    writer.write(PIECE)
                    await writer.drain()
                    sent += len(PIECE)

            sending = asyncio.create_task(send())
            await asyncio.sleep(pause)
            alone.stalled_at = sent
            alone.proceed.set()
            await sending
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            await reader.readexactly(2)

        for _ in range(2):  # so that what every process needs once is there
            await download(8 * MEBIBYTE, 0)
            await upload(8 * MEBIBYTE, 0)
        before, alone.sent, alone.got = alone.peak(), 0, 0
        await download(size, SLOW)
        assert alone.stalled_at < size // 2, "the service was held back"
        assert alone.sent == size
        assert alone.peak() - before < GROWTH
        await upload(size, SLOW)
        assert alone.stalled_at < size // 2, "the client was held back"
        assert alone.got == size
        assert alone.peak() - before < GROWTH
        writer.close()


@pytest.mark.parametrize("tls", [False, True])
async def test_bodies_of_64_mebibytes(folder: Path, tls: bool) -> None:
    await passes_in_flat_memory(folder, SMALL, tls=tls)


@pytest.mark.proof
@pytest.mark.parametrize("tls", [False, True])
async def test_bodies_of_a_gibibyte(folder: Path, tls: bool) -> None:
    await passes_in_flat_memory(folder, LARGE, tls=tls)
