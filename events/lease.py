"""How long what was learnt from events may be believed: a lease that only the relay's heartbeats renew (S4)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Lease:
    """A heartbeat of `t` says: every end, and every other event, that was committed before `t` was told before this
    line."""

    length: float
    """Seconds that the cache is believed after the moment that a heartbeat vouches for."""
    until: float = float("-inf")
    """Monotonic seconds; the lease is held before it, not at it."""
    vouched: float = float("-inf")
    """Monotonic seconds: every end that was acknowledged before was told here."""

    def renew(self, t: float, *, wall: float, monotonic: float) -> None:
        """Take a heartbeat. `t` and `wall` are epoch seconds; one from a clock ahead of ours counts as of now."""
        vouched = monotonic - max(0.0, wall - t)
        self.vouched = max(self.vouched, vouched)
        self.until = max(self.until, vouched + self.length)

    def drop(self, monotonic: float) -> None:
        """Something may have been missed: it ends now, until the next heartbeat."""
        self.until = min(self.until, monotonic)

    def age(self, monotonic: float) -> float:
        """Seconds since the moment that the last heartbeat vouched for; infinite where none did."""
        return monotonic - self.vouched

    def overdue(self, monotonic: float) -> float | None:
        """None while it is held; else the seconds since it ran out (infinite where it never ran)."""
        return None if monotonic < self.until else monotonic - self.until

    def lapsed(self, monotonic: float) -> float | None:
        """None until a whole lease has passed since the last heartbeat, dropped or not; else the seconds since then.

        What lives on lives by this one: an end that was missed before a drop was acknowledged after that heartbeat, so
        the bound of a lease holds, and a gap that is mended within it costs no connection.
        """
        age = self.age(monotonic)
        return None if age < self.length else age - self.length
