"""Services as their processes run them, in a thread, so that a generator of requests may block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from config.settings import Settings

Serve = Callable[[Settings, Callable[[], None], asyncio.Event], Awaitable[None]]


@contextmanager
def served(serve: Serve, settings: Settings, socket: Path, origin: str) -> Iterator[httpx2.Client]:
    """A client of the service, whose `serve` listens on this unix socket."""
    ready = threading.Event()
    failed: list[BaseException] = []
    stopping: list[Callable[[], None]] = []

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        stopping.append(lambda: loop.call_soon_threadsafe(stop.set))
        await serve(settings, ready.set, stop)

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert ready.wait(30)
        if failed:
            raise failed[0]
        with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(socket)), base_url=origin, timeout=30) as client:
            yield client
    finally:
        for stop in stopping:
            stop()
        thread.join(30)
