"""The risk of a session lately: what was odd a moment ago still counts for a while, so that privileges do not flap.

A risk counts until the end of its quarter of an hour and `STAY` seconds more. That end is the same whichever gateway
saw it, it moves at most once a quarter, and no decision stands beyond it. A risk never counts for less than it is now.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from policy.local_time import QUARTER

STAY = 300.0
"""Seconds past the end of its quarter of an hour for which a risk counts: five to twenty minutes in all."""
LONGEST = QUARTER + STAY
MOST_PEAKS = 8

Peaks = tuple[tuple[int, float], ...]
"""Risks, each with the epoch seconds until which it counts: the highest first, each lower one counting longer."""


def counts_until(at: float) -> float:
    """Epoch seconds until which a risk that was seen at `at` counts."""
    return at - at % QUARTER + QUARTER + STAY


def remembered(peaks: Peaks, risk: int, until: float, now: float) -> Peaks:
    """The peaks with one more, without those that are over; the very same object where that is no news."""
    if any(other >= risk and end >= until for other, end in peaks):
        return peaks
    kept = [(other, end) for other, end in peaks if end > now and not (other <= risk and end <= until)]
    return tuple(sorted([*kept, (risk, until)], reverse=True)[:MOST_PEAKS])


def recent(peaks: Iterable[tuple[int, float]], risk: int, at: float) -> tuple[int, float]:
    """The highest risk that counts at `at`, that of now included, and until when it does (epoch seconds)."""
    for peak, until in peaks:
        if at < until:
            return (peak, until) if peak > risk else (risk, inf)
    return risk, inf
