"""How a worker hears at once that there is something to do: a poke in Valkey rings a bell.

A poke may be lost, so whoever waits for one looks from time to time besides.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from redis.exceptions import RedisError

from config.connections import Valkey
from events.cancellation import cancelled


class Bell:
    """Wakes everybody who waits."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Set by the next ring: taken before one looks for work, so that no ring in between is missed."""
        return self._rung

    async def ring_at(self, event: asyncio.Event) -> None:
        """Ring once when an event is set: at the end of the process, so that nobody waits on."""
        await event.wait()
        self.ring()


@asynccontextmanager
async def pokes(valkey: Valkey, channel: str, ring: Callable[[], None], *, backoff: float) -> AsyncIterator[None]:
    """`ring` is called at every poke of a channel, inside of this; `backoff`: seconds until it is tried again where the
    channel cannot be heard."""
    listener = asyncio.create_task(_listen(valkey, channel, ring, backoff))
    try:
        yield
    finally:
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


async def _listen(valkey: Valkey, channel: str, ring: Callable[[], None], backoff: float) -> None:
    while not cancelled():
        try:
            async with valkey.pubsub(ignore_subscribe_messages=True) as heard:
                await heard.subscribe(channel)
                while not cancelled():
                    if await heard.get_message(timeout=1.0):
                        ring()
        except (RedisError, OSError, TimeoutError):
            await asyncio.sleep(backoff)
