"""How old the state of sessions was by which requests were decided: counted on the warm way, so it costs next to
nothing there."""

from __future__ import annotations

from bisect import bisect_left

FRESH = 0.1
"""Seconds between two heartbeats of the relay: nearly all decisions are younger."""
BOUNDS = (FRESH, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 30.0, 60.0, 300.0, float("inf"))


class Staleness:
    """A histogram."""

    __slots__ = ("_counts", "fresh", "sum")

    def __init__(self) -> None:
        self.fresh = 0
        """Decisions no older than `FRESH`; whoever is in a hurry counts these here, and adds to `sum`."""
        self.sum = 0.0
        self._counts = [0] * len(BOUNDS)

    def observe(self, seconds: float) -> None:
        """One decision."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        if seconds < 1e9:  # where there never was a lease, it is not so many seconds old
            self.sum += seconds

    def counts(self) -> list[int]:
        """By the first of `BOUNDS` that is not exceeded."""
        return [self._counts[0] + self.fresh, *self._counts[1:]]
