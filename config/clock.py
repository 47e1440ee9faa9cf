"""Time as a value that is passed in: nothing in the house asks the operating system by itself."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where a composition root gets the time that it hands on."""

    def now(self) -> datetime:
        """The moment of now, aware, in UTC."""

    def timestamp(self) -> float:
        """The moment of now in seconds since the epoch, as tokens and the hot path count it."""

    def monotonic(self) -> float:
        """Seconds that never run backwards: for leases and deadlines inside one process."""


class SystemClock:
    """The machine's own clock. Every request reads it, so its methods are those of `time` themselves."""

    timestamp = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)

    def now(self) -> datetime:
        return datetime.now(UTC)
