"""How busy a thread is: the share of time in which it ran.

Linux counts that for each thread (`schedstat`, Documentation/scheduler/sched-stats.rst). A thread that is late and yet
does not run all the time is no more than late: it slept, or somebody else had its core.
"""

from __future__ import annotations

import os
import threading

_LONGEST = 128


class Busyness:
    """Of the thread that made it."""

    def __init__(self) -> None:
        try:
            self._file: int | None = os.open(
                f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY | os.O_CLOEXEC
            )
        except OSError:
            self._file = None
        self._last = (0.0, self._counted())

    def share(self, now: float) -> float:
        """Since it was asked last; `now` is seconds of a clock that only rises. 1 where nobody counts."""
        (before, counted_before), counted = self._last, self._counted()
        self._last = (now, counted)
        if counted is None or counted_before is None or not before or now <= before:
            return 1.0
        return min(1.0, (counted - counted_before) / (now - before))

    def close(self) -> None:
        """Count no more."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _counted(self) -> float | None:
        if self._file is None:
            return None
        try:
            ran, _, _ = os.pread(self._file, _LONGEST, 0).split()
        except (OSError, ValueError):
            return None
        return int(ran) / 1e9
