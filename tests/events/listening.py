"""What the tests of the relay and the subscription stand on: relays that run, and a listener that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from config.clock import SystemClock
from config.connections import Database, Valkey
from events.outbox import append, poke
from events.relay import relay
from events.subscription import Subscription


async def until(condition: Callable[[], bool], seconds: float = 8) -> None:
    """Let the loop work until `condition` holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the condition is anything
            await asyncio.sleep(0.002)


@asynccontextmanager
async def running_relay(database: Database, valkey: Valkey, *, wait: bool = True) -> AsyncIterator[None]:
    """A relay that works or stands by."""
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(relay(database, valkey, SystemClock(), ready.set, stop))
    try:
        if wait:
            await until(lambda: ready.is_set() or task.done())
        yield
    finally:
        stop.set()
        await task


class Listener:
    """Remembers what a subscription told it, in order."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Mapping[str, object]]] = []
        self.heartbeats: list[float] = []
        self.resets = 0

    def on_event(self, topic: str, payload: Mapping[str, object], /) -> None:
        self.events.append((topic, payload))

    def on_heartbeat(self, t: float) -> None:
        self.heartbeats.append(t)

    def on_reset(self) -> None:
        self.resets += 1

    def numbers(self) -> list[object]:
        return [payload["n"] for _, payload in self.events]


@asynccontextmanager
async def listening(valkey: Valkey) -> AsyncIterator[Listener]:
    """A listener whose subscription stands at the newest entry."""
    listener = Listener()
    subscription = Subscription(
        valkey,
        SystemClock(),
        on_event=listener.on_event,
        on_heartbeat=listener.on_heartbeat,
        on_reset=listener.on_reset,
    )
    task = asyncio.create_task(subscription.run(asyncio.Event()))
    try:
        await until(lambda: listener.resets > 0)
        yield listener
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def tell(database: Database, valkey: Valkey, *numbers: int) -> None:
    """One committed transaction with an event for each number."""
    async with database.begin() as tx:
        for number in numbers:
            await append(tx, "client", "shop", {"n": number})
    await poke(valkey)
