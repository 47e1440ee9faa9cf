"""How long the near cache may be believed: a lease that only the relay's heartbeats renew (S4)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Lease:
    """A heartbeat of `t` says: every end committed before `t` was told before this line."""

    length: float
    """Seconds that the cache is believed after the moment that a heartbeat vouches for."""
    until: float = float("-inf")
    """Monotonic seconds; the lease is held before it, not at it."""

    def renew(self, t: float, *, wall: float, monotonic: float) -> None:
        """Take a heartbeat. `t` and `wall` are epoch seconds; one from a clock ahead of ours counts as of now."""
        self.until = max(self.until, monotonic + self.length - max(0.0, wall - t))

    def drop(self, monotonic: float) -> None:
        """Something may have been missed: it ends now, until the next heartbeat."""
        self.until = min(self.until, monotonic)

    def overdue(self, monotonic: float) -> float | None:
        """None while it is held; else the seconds since it ran out (infinite where it never ran)."""
        return None if monotonic < self.until else monotonic - self.until
