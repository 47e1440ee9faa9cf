"""The way to Valkey of one gateway alone, which a test cuts, freezes and mends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from config.clock import SystemClock
from config.connections import Valkey, open_valkey
from config.sections.engines import ValkeySettings
from config.settings import Settings
from events.subscription import Subscription
from gateway.news import News
from gateway.sessions.session_check import SessionCheck
from tests.events.listening import until


class Wire:
    """A unix socket that passes on to Valkey's what it gets, as long as it is sound."""

    def __init__(self, there: Path, here: Path) -> None:
        self._there = there
        self.here = here
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._broken = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def freeze(self) -> None:
        """From now on nothing arrives, and nobody is told."""
        self._flowing.clear()

    def cut(self) -> None:
        """Every connection breaks, and none can be made."""
        self._broken = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        """As if nothing had been; what was frozen on the way arrives now."""
        self._broken = False
        self._flowing.set()

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[None]:
        server = await asyncio.start_unix_server(self._accept, str(self.here))
        try:
            yield
        finally:
            server.close()
            self.cut()
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._broken:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_unix_connection(str(self._there))
        self._writers |= {writer, far_writer}
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._carry(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
        self._writers.discard(sink)
        sink.transport.abort()


@asynccontextmanager
async def wired(settings: Settings, folder: Path) -> AsyncIterator[tuple[Wire, Settings]]:
    """A wire, and settings whose Valkey is at its end."""
    wire = Wire(Path(settings.valkey_url().removeprefix("unix://")), folder / "wire.sock")
    async with wire.standing():
        yield wire, settings.model_copy(update={"valkey": ValkeySettings(url=f"unix://{wire.here}")})


@asynccontextmanager
async def told(settings: Settings, sessions: SessionCheck) -> AsyncIterator[Valkey]:
    """The near cache of a gateway, fed by the stream; the client that feeds it."""
    valkey, stop, resets = open_valkey(settings), asyncio.Event(), 0

    def nothing(*_: object) -> None:
        nonlocal resets
        resets += 1

    news = News(
        sessions=sessions,
        policy_changed=nothing,
        overlay_changed=lambda: None,
        keys_changed=nothing,
        resources_changed=lambda: None,
        attempted=nothing,
    )
    subscription = Subscription(
        valkey, SystemClock(), on_event=news.event, on_heartbeat=news.heartbeat, on_reset=news.reset
    )
    task = asyncio.create_task(subscription.run(stop))
    try:
        await until(lambda: resets > 0)
        yield valkey
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await valkey.aclose()
