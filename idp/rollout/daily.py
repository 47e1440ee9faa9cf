"""What sign-ins came to and took, day by day, without whose they were: kept when the history has long forgotten.

Days are UTC's. A time is kept as a bucket, each a fifth wider than the one before, which is as exact as a median of
a day needs to be.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Literal, Protocol, get_args
from uuid import UUID

from msgspec import Struct

from config.connections import Transaction

Outcome = Literal["got_in", "failed", "given_up", "left"]
"""`failed`: something was wrong. `given_up`: whoever had proved to be somebody went no further. `left`: gone before
anybody was known, at the first page; programs that only look are among them."""
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
NO_TIME: Final = -1
STEPS: Final = 4
"""Buckets for each doubling of the time."""
LAST: Final = 63
KEPT: Final = timedelta(days=3 * 366)
SETTLED: Final = timedelta(hours=1)
"""So long after its end a day is counted: what began before midnight is through."""
NOBODYS: Final = UUID(int=0)
"""Stands for the organisation of an app that belongs to none."""


class Cell(Struct, frozen=True, kw_only=True):
    """Attempts of one day that are alike."""

    day: date
    method: str
    """Empty where nobody was known."""
    outcome: Outcome
    took: int
    attempts: int


class DayOfMethod(Struct, frozen=True, kw_only=True):
    """One day, of one method."""

    day: date
    method: str
    got_in: int
    failed: int
    given_up: int
    left: int
    median_seconds: float | None


class Days(Protocol):
    """Where days are counted and kept."""

    async def measure_next(self, tx: Transaction, today: date) -> int:
        """Count the earliest day before `today` that is not counted yet. Returns how many attempts; 0: none is left."""

    async def cells(self, tx: Transaction, scope: Collection[UUID] | None, since: date, until: date) -> Sequence[Cell]:
        """Attempts of the days from `since` on and before `until`, also of those that are not over; `None`: of all
        organisations."""


def bucket(seconds: float | None) -> int:
    """Where a time is kept."""
    return NO_TIME if seconds is None else min(LAST, math.floor(STEPS * math.log2(max(1.0, seconds))))


def middle(of: int) -> float:
    """The time in seconds that a bucket stands for."""
    return float(2 ** ((of + 0.5) / STEPS))


def median(times: Mapping[int, int]) -> float | None:
    """The median of times by bucket; None of nothing."""
    known = {of: count for of, count in times.items() if of != NO_TIME and count}
    half = sum(known.values()) / 2
    passed = 0
    for of in sorted(known):
        passed += known[of]
        if passed >= half:
            return middle(of)
    return None


def by_method(cells: Sequence[Cell]) -> tuple[DayOfMethod, ...]:
    """Days in order, and within each its methods."""
    found: dict[tuple[date, str], dict[Outcome, int]] = {}
    times: dict[tuple[date, str], dict[int, int]] = {}
    for cell in cells:
        key = cell.day, cell.method
        counts = found.setdefault(key, dict.fromkeys(OUTCOMES, 0))
        counts[cell.outcome] += cell.attempts
        if cell.outcome == "got_in":
            took = times.setdefault(key, {})
            took[cell.took] = took.get(cell.took, 0) + cell.attempts
    return tuple(
        DayOfMethod(
            day=day,
            method=method,
            got_in=counts["got_in"],
            failed=counts["failed"],
            given_up=counts["given_up"],
            left=counts["left"],
            median_seconds=median(times.get((day, method), {})),
        )
        for (day, method), counts in sorted(found.items())
    )
