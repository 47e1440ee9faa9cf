"""Time for the data path: a coarse clock and one sweep over all connections instead of a timer per request."""

from __future__ import annotations

import asyncio
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

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now = now = loop.time()
        self._timer = loop.call_later(self._tick, self._sweep, loop)
        for watched in tuple(self.watched):
            watched.check(now)
