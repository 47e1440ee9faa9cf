"""Clients that send or read a byte now and then: each byte is in time, and the whole would take for ever.

Pure: moments are seconds of the data path's coarse clock. Looked at once a tick, so that no byte costs anything.
"""

from __future__ import annotations

NEVER = float("inf")


class Pace:
    """How quickly one thing gets on: a body that is read, or what a client reads."""

    __slots__ = ("_begun_at", "_done", "_of")

    def __init__(self) -> None:
        self._of: object = None
        self._begun_at = NEVER
        self._done = 0

    def rest(self) -> None:
        """It is not the client that keeps anybody waiting: look anew afterwards."""
        self._of = None

    def too_slow(self, of: object, done: int, now: float, *, least: float, window: float) -> bool:
        """Whether `of` got on by less than `least` bytes a second over `window` seconds. `done`: bytes so far."""
        if of is not self._of:
            self._of, self._begun_at, self._done = of, now, done
            return False
        lasted = now - self._begun_at
        if lasted < window:
            return False
        slow = done - self._done < least * lasted
        self._begun_at, self._done = now, done
        return slow
