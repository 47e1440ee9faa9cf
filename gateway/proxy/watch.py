"""Time for the data path: a coarse clock and one sweep over all connections instead of a timer per request.

A sweep over tens of thousands of connections would take most of a core. So a tick looks at a thousand, and where there
are more of them at as many as it must to have seen each within a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

_AT_ONCE = 1000
"""Of the watched, in a tick."""
_TICKS = 10
"""Within which each of them is looked at."""


class Watched(Protocol):
    """Something with deadlines."""

    def check(self, now: float) -> None:
        """Look whether one has passed; `now` is `Watch.now`."""


class Watch:
    """Counts time in ticks and asks everything that is watched, once a tick, or once in ten where that is much."""

    def __init__(self, tick: float = 0.1) -> None:
        self._tick = tick
        self.now = 0.0
        """Seconds of the event loop's clock, as of the last tick: right to one tick, read at no cost."""
        self.watched: set[Watched] = set()
        self._patient: set[_Patience] = set()
        self._round: list[Watched] = []
        """Who is still to be looked at before all are again."""
        self._a_tick = _AT_ONCE
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
            self._patient.add(waiting)
            try:
                yield
            finally:
                self._patient.discard(waiting)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self._tick, self._sweep, loop)
        self.tick(loop.time())

    def tick(self, now: float) -> None:
        """It is `now`: ask those whose turn it is."""
        self.now = now
        for waiting in tuple(self._patient):
            waiting.check(now)
        if not self._round:
            self._round = list(self.watched)
            self._a_tick = max(_AT_ONCE, -(-len(self._round) // _TICKS))
        part, self._round = self._round[: self._a_tick], self._round[self._a_tick :]
        for watched in part:
            if watched in self.watched:
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
