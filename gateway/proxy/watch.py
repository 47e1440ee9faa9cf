"""Time for the data path: a coarse clock and one sweep over all connections instead of a timer per request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol


class Watched(Protocol):
    """Something with deadlines."""

    def check(self, now: float) -> None:
        """Look whether one has passed; `now` is `Watch.now`."""


class Watch:
    """Counts time in ticks and asks everything that is watched, once a tick."""

    def __init__(self, tick: float = 0.1) -> None:
        self._tick = tick
        self.now = 0.0
        """Seconds of the event loop's clock, as of the last tick: right to one tick, read at no cost."""
        self.watched: set[Watched] = set()
        self._timer: asyncio.TimerHandle | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to tick."""
        self.now = loop.time()
        self._timer = loop.call_later(self._tick, self._sweep, loop)

    def stop(self) -> None:
        """Tick no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @asynccontextmanager
    async def patience(self, seconds: float) -> AsyncIterator[None]:
        """Raise `TimeoutError` where what is within takes longer, as far as this process could have noticed.

        A tick that is late counts as two at most: a process with too much to do hears answers late, and would take
        every service for one that does not answer.
        """
        async with asyncio.timeout(None) as bound:
            waiting = _Patience(bound, seconds, self.now, 2 * self._tick)
            self.watched.add(waiting)
            try:
                yield
            finally:
                self.watched.discard(waiting)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now = now = loop.time()
        self._timer = loop.call_later(self._tick, self._sweep, loop)
        for watched in tuple(self.watched):
            watched.check(now)


class _Patience:
    """Of one that waits."""

    def __init__(self, bound: asyncio.Timeout, seconds: float, now: float, most: float) -> None:
        self._bound = bound
        self._left = seconds
        self._last = now
        self._most = most

    def check(self, now: float) -> None:
        self._left -= min(now - self._last, self._most)
        self._last = now
        if self._left <= 0:
            self._left = float("inf")
            self._bound.reschedule(asyncio.get_running_loop().time())
