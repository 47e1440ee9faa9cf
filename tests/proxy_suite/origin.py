"""The origin: it records what arrives, byte for byte, and answers as each case wants."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.proxy_suite.strict import Ambiguous, Head, read_head
from tests.proxy_suite.wire import Ended, Wire

_CASE = re.compile(rb"case-[0-9a-z]+")


@dataclass
class Arrived:
    """A request as it arrived."""

    case: str
    """The case that it names; empty: none."""
    raw: bytes
    """Its head."""
    head: Head | None
    fault: str = ""
    """Why it can be read in two ways, or is not whole."""
    body: bytes = b""
    connection: int = 0

    def values(self, name: str) -> list[bytes]:
        return [] if self.head is None else self.head.values(name)

    @property
    def target(self) -> bytes:
        return b"" if self.head is None else self.head.target


class Line:
    """One connection of the gateway's, as a behaviour uses it."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.request: Arrived
        self.kept = True

    async def body(self) -> bytes:
        """Read the request's body, once."""
        assert self.request.head is not None
        self.request.body = await self.wire.body(self.request.head)
        return self.request.body

    def send(self, data: bytes) -> None:
        self.wire.send(data)

    def close(self) -> None:
        """Say nothing more; what was sent is delivered."""
        self.kept = False


Behaviour = Callable[[Line], Awaitable[None]]


def ok(target: bytes, *more: bytes) -> bytes:
    """An answer that names the target that it answers."""
    lines = b"".join(line + b"\r\n" for line in more)
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n%bX-Target: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        lines,
        target,
        len(target),
        target,
    )


async def plainly(line: Line) -> None:
    """Read all of a request, and answer it."""
    await line.body()
    line.send(ok(line.request.target))


def says(answer: bytes, *, close: bool = False, read: bool = True) -> Behaviour:
    """Answers with these very bytes. `read`: after the whole request."""

    async def behave(line: Line) -> None:
        if read:
            await line.body()
        line.send(answer)
        if close:
            line.close()

    return behave


class Origin:
    """Listens at one address; its cases script it."""

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.log: list[Arrived] = []
        self.scripts: dict[str, Behaviour] = {}
        """What answers a case's requests, by case."""
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Origin:
        self._server = await asyncio.start_server(self._accept, self.host, self.port, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def of(self, case: str) -> list[Arrived]:
        """What arrived for a case, and whatever names none."""
        return [arrived for arrived in self.log if arrived.case in (case, "")]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        line, number = Line(Wire(reader, writer)), self.connections
        try:
            while line.kept and await self._next(line, number):
                await writer.drain()
        except (Ended, Ambiguous) as fault:
            line.request.fault = str(fault) or "it broke off"
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            if not writer.is_closing():
                writer.close()

    async def _next(self, line: Line, number: int) -> bool:
        try:
            raw = await line.wire.head()
        except Ended:
            raw = line.wire.unread
        if raw is None:
            return False
        named = _CASE.search(raw)
        line.request = arrived = Arrived("" if named is None else named[0].decode(), raw, None, connection=number)
        self.log.append(arrived)
        try:
            arrived.head = read_head(raw)
        except Ambiguous as fault:
            arrived.fault = str(fault)
            line.send(ok(b"ambiguous", b"Connection: close"))
            return False
        await self.scripts.get(arrived.case, plainly)(line)
        return True
