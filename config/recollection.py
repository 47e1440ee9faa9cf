"""What a node has read and believes until it hears of a change: bounded in number, and in time where no word came.

With a lease the bound is that of sessions (S4): while nobody vouches that every change was told, nothing is believed
that was read longer than a moment ago.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from config.clock import Clock

LONGEST = 60.0
"""Seconds that something is believed although no event came: the bound on what a lost event can cost."""
UNVOUCHED = 1.0
"""Seconds that something is believed without a lease that is held, as long as the lease itself."""
MOST = 4096
"""Entries; with more, all are forgotten."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class Lease(Protocol):
    """Who vouches that changes are told (`events.lease`)."""

    def overdue(self, monotonic: float) -> float | None:
        """None while every change until a moment ago was told here."""


class Recollection(Generic[Key, Value]):
    """By key."""

    def __init__(self, clock: Clock, *, keeps_none: bool = True, lease: Lease | None = None) -> None:
        """`keeps_none`: whether it is remembered that there is no such thing; not where strangers choose the keys.
        `lease`: by which it is believed; without one for as long as an event may get lost."""
        self._clock = clock
        self._lease = lease
        self._keeps_none = keeps_none
        self._known: dict[Key, tuple[Value, float]] = {}
        self._changes = 0

    async def of(self, key: Key, read: Callable[[], Awaitable[Value]]) -> Value:
        """What is known of a key; otherwise what `read` says, which is believed from now on."""
        now = self._clock.monotonic()
        known = self._known.get(key)
        if known is not None and self._is_believed(known[1], now):
            return known[0]
        changes = self._changes
        value = await read()
        if value is None and not self._keeps_none:
            self._known.pop(key, None)
        elif changes == self._changes:  # otherwise what was read may be older than the change
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (value, now)
        return value

    def _is_believed(self, read_at: float, now: float) -> bool:
        age = now - read_at
        vouched = self._lease is None or self._lease.overdue(now) is None
        return age < (LONGEST if vouched else UNVOUCHED)

    def forget(self, key: Key) -> None:
        """It changed; so may have what is being read at the moment."""
        self._changes += 1
        self._known.pop(key, None)

    def forget_all(self) -> None:
        """Something changed, or events may have been lost."""
        self._changes += 1
        self._known.clear()
