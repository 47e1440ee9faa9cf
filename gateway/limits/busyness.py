"""How busy a process is: the share of time in which it ran, all its threads together.

A process that is late and yet does not run all the time is no more than late: it slept, or others had its core. It is
the process that is counted and not the thread of the event loop, since the other threads keep the loop waiting, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class Busyness:
    """Asked again and again, from one moment to the next."""

    def __init__(self, counted: Callable[[], float] = time.process_time) -> None:
        """`counted`: seconds of processor time so far."""
        self._counted = counted
        self._last: tuple[float, float] | None = None

    def share(self, now: float) -> float:
        """Since it was asked last; `now` is seconds of a clock that only rises. 1 where that cannot be said."""
        last, self._last = self._last, (now, self._counted())
        if last is None or now <= last[0]:
            return 1.0
        return min(1.0, (self._last[1] - last[1]) / (now - last[0]))
