"""Several upstreams of one kind, each of which may fail for real."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.proxy.pool import Pool
from gateway.proxy.target import Target
from gateway.routes.upstream import Upstream
from tests.gateway.proxy.rig import Asked, Behaviour, Client, Origin, Rig, free_port, rigged

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"


def named(name: str, status: bytes = b"200 OK") -> Behaviour:
    """Answers with its name."""

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 %b\r\ncontent-length: %d\r\n\r\n%b" % (status, len(name), name.encode()))

    return behave


async def says_nothing(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes a request, and that is all."""
    await asyncio.sleep(60)


async def breaks_off(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes a request and closes."""
    writer.transport.abort()


async def answers_half(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers half and closes."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
    await writer.drain()
    writer.close()


@asynccontextmanager
async def pooled(folder: Path, count: int, *, rig: dict[str, Any] | None = None, **upstream: Any) -> AsyncIterator[Rig]:
    """A gateway before so many targets `t0`, `t1`…; they are `rig.targets`, in that order."""
    targets = [Origin(folder / f"t{number}.sock", named(f"t{number}")) for number in range(count)]
    for target in targets:
        await target.start()
    addresses = [f"unix:{target.path}" for target in targets]
    try:
        made = Upstream("origin", addresses[0], tuple(addresses[1:]), **upstream)
        async with rigged(folder, upstream=made, **rig or {}) as running:
            running.targets = targets
            yield running
    finally:
        for target in targets:
            await target.stop()


async def kill(target: Origin) -> None:
    """Every connection is reset, and new ones are refused."""
    await target.stop()
    target.path.unlink(missing_ok=True)


def pool(rig: Rig) -> Pool:
    """The one pool."""
    found: Pool = rig.pool
    return found


def target(rig: Rig, number: int) -> Target:
    """What the gateway thinks of a target."""
    return pool(rig).targets[number]


async def who(client: Client, times: int, request: bytes = GET) -> list[str]:
    """Which targets answered as many requests, one after the other."""
    answers = [await client.ask(request) for _ in range(times)]
    return [answer.body.decode() if answer.status == 200 else str(answer.status) for answer in answers]


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """An address where a connection never comes to stand: nobody accepts, and the queue of those who wait is full."""
    with contextlib.ExitStack() as opened:
        listening = opened.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"127.0.0.1:{listening.getsockname()[1]}"


class TcpOrigin:
    """A target on loopback, maybe behind TLS; counts connections by what `seen` says of them."""

    def __init__(self, behaviour: Behaviour, seen: Callable[[asyncio.StreamWriter], Any] | None = None) -> None:
        self.port = free_port()
        self.behaviour = behaviour
        self.seen: list[Any] = []
        self.asked: list[Asked] = []
        self._seen = seen
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self, **options: Any) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, **options)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.seen.append(self._seen(writer) if self._seen else None)
        try:
            while not writer.is_closing():
                asked = Asked(await reader.readuntil(b"\r\n\r\n"))
                self.asked.append(asked)
                await self.behaviour(asked, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


def upstream_of(addresses: Sequence[str], **more: Any) -> Upstream:
    """Named as the rig expects it."""
    return Upstream("origin", addresses[0], tuple(addresses[1:]), **more)
