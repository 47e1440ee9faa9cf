"""Passive health: an upstream that could not be reached several times in a row rests for a moment.

While it rests, requests are answered at once instead of each waiting for a connection that will not come.
"""

from __future__ import annotations


class Health:
    """What the last attempts to connect to one upstream taught."""

    __slots__ = ("_failures", "_rest", "_resting_until", "_threshold")

    def __init__(self, *, threshold: int = 3, rest: float = 1.0) -> None:
        """`threshold` failures in a row begin a rest of `rest` seconds."""
        self._threshold = threshold
        self._rest = rest
        self._failures = 0
        self._resting_until = 0.0

    def reached(self) -> None:
        """A connection stands."""
        self._failures = 0
        self._resting_until = 0.0

    def failed(self, now: float) -> None:
        """A connection could not be made."""
        self._failures += 1
        if self._failures >= self._threshold:
            self._resting_until = now + self._rest

    def rests(self, now: float) -> bool:
        """Whether to answer without trying; the first attempt after the rest decides anew."""
        return now < self._resting_until
