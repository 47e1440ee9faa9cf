"""A gateway's data path between a raw client and a scripted upstream, all on unix sockets."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.entropy import SystemEntropy
from gateway.exchange import Forward, Pipeline, RequestHead, Verdict
from gateway.listening.certificates import Certificates
from gateway.proxy.door import Door
from gateway.proxy.limits import Limits
from gateway.proxy.pool import Pools
from gateway.proxy.server import serve
from gateway.proxy.watch import Watch
from gateway.routes.upstream import Upstream

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Behaviour = Callable[["Asked", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Asked:
    """A request as the upstream read it."""

    head: bytes
    body: bytes = b""

    @property
    def line(self) -> bytes:
        return self.head.split(b"\r\n", 1)[0]

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        lines = self.head.split(b"\r\n")[1:-2]
        return [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key.lower() == name]


@dataclass
class Answered:
    """A response as the client read it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]


def says(*parts: bytes, close: bool = False) -> Behaviour:
    """An upstream that answers every request with these bytes."""

    async def behave(asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if close:
            writer.close()

    return behave


class Origin:
    """The upstream."""

    def __init__(self, path: Path, behaviour: Behaviour) -> None:
        self.path = path
        self.behaviour = behaviour
        self.reads_body = True
        self.asked: list[Asked] = []
        self.connections = 0
        self.closed = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._accept, str(self.path))

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.drop()

    async def drop(self) -> None:
        """Drop every connection, listen on."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in tuple(self._writers):
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0.02)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while not writer.is_closing():
                asked = Asked(await reader.readuntil(b"\r\n\r\n"))
                self.asked.append(asked)
                if self.reads_body:
                    asked.body = await read_body(reader, asked.headers)
                await self.behaviour(asked, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.closed += 1
            self._tasks.discard(task)
            writer.close()


async def read_body(reader: asyncio.StreamReader, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The body of a message, chunks put together."""
    fields = {name.lower(): value for name, value in headers}
    if b"content-length" in fields:
        return await reader.readexactly(int(fields[b"content-length"]))
    body = b""
    if fields.get(b"transfer-encoding") == b"chunked":
        while size := int((await reader.readuntil(b"\r\n")), 16):
            body += await reader.readexactly(size)
            assert await reader.readexactly(2) == b"\r\n"
        assert await reader.readuntil(b"\r\n") == b"\r\n"
    return body


class Client:
    """A client that sends whatever bytes it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, *, without_body: bool = False) -> Answered:
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head[:-4].split(b"\r\n")
        headers = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines[1:])]
        status = int(lines[0].split(b" ")[1])
        bodiless = without_body or status in (100, 101, 204, 304)
        return Answered(status, headers, b"" if bodiless else await read_body(self.reader, headers))

    async def ask(self, data: bytes, *, without_body: bool = False) -> Answered:
        self.send(data)
        return await self.answer(without_body=without_body)

    async def ask_bytes(self, data: bytes, count: int) -> bytes:
        """Send, and read as many bytes."""
        self.send(data)
        return await self.reader.readexactly(count)

    async def rest(self) -> bytes:
        """Everything until the connection closes."""
        return await self.reader.read()


@dataclass
class Rig:
    """A running gateway."""

    door: Door
    origin: Origin
    listen: str
    stop: asyncio.Event
    serving: asyncio.Task[None]
    heads: list[RequestHead]
    clients: list[Client] = field(default_factory=list)
    targets: list[Origin] = field(default_factory=list)
    """Where there are several instead of `origin`."""

    async def client(self, tls: ssl.SSLContext | None = None, name: str = "localhost") -> Client:
        """A connection; `name`: whom it asks for by TLS."""
        if self.listen.startswith("unix:"):
            client = Client(*await asyncio.open_unix_connection(self.listen.removeprefix("unix:")))
        else:
            host, _, port = self.listen.rpartition(":")
            named = name if tls is not None else None
            client = Client(*await asyncio.open_connection(host, int(port), ssl=tls, server_hostname=named))
        self.clients.append(client)
        return client

    async def ask(self, data: bytes, *, without_body: bool = False) -> Answered:
        """One request on a connection of its own."""
        return await (await self.client()).ask(data, without_body=without_body)

    @property
    def pool(self) -> Any:
        return self.door.pools.by_name["origin"]


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def holds(condition: Callable[[], bool]) -> None:
    """Return once something that the gateway does by itself is so; the rig's patience bounds it."""
    while not condition():  # noqa: ASYNC110 - what is looked at has no event to wait for
        await asyncio.sleep(0.002)


async def own_page(scope: Any, receive: Any, send: Any) -> None:
    """An own page that echoes the body, and sets how long it takes by its query."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if scope["query_string"]:
        await asyncio.sleep(float(scope["query_string"]))
    answer = b"own %b %b" % (scope["raw_path"], body)
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"%d" % len(answer)), (b"x-state", repr(scope["state"]).encode())],
        }
    )
    await send({"type": "http.response.body", "body": answer})


@asynccontextmanager
async def rigged(
    folder: Path,
    *,
    behaviour: Behaviour | None = None,
    pipeline: Pipeline | None = None,
    limits: Limits | None = None,
    listen: str | None = None,
    patience: float = 10,
    upstream: Upstream | None = None,
    certificates: Certificates | None = None,
    **door: Any,
) -> AsyncIterator[Rig]:
    """Run a gateway whose pipeline forwards everything, unless it is told otherwise.

    `upstream`: what stands behind it instead of the rig's own origin; its name is `origin`, too.
    """
    limits = limits or Limits()
    watch = Watch(tick=0.01)
    origin = Origin(folder / "origin.sock", behaviour or says(OK))
    await origin.start()
    heads: list[RequestHead] = []

    def noted(head: RequestHead) -> Verdict | Awaitable[Verdict]:
        heads.append(head)
        return Forward("origin") if pipeline is None else pipeline(head)

    pools = Pools([upstream or Upstream("origin", f"unix:{origin.path}")], limits=limits, watch=watch)
    opened = Door(noted, own_page, pools, SystemEntropy(), watch, limits, **door)
    listen = listen or f"unix:{folder / 'gateway.sock'}"
    stop, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.get_running_loop().create_task(serve(opened, listen, ready.set, stop, certificates=certificates))
    rig = Rig(opened, origin, listen, stop, serving, heads)
    try:
        async with asyncio.timeout(patience):
            await ready.wait()
            yield rig
    finally:
        for client in rig.clients:
            client.writer.close()
        stop.set()
        await serving
        await origin.stop()
