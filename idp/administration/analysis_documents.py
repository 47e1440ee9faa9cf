"""What the API says of how people sign in, beside `idp.rollout.analysis.Analysis` itself."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from idp.rollout.daily import DayOfMethod
from idp.rollout.feedback import BEST, WORST, Marks
from idp.rollout.methods import Method


class SignInDays(Struct, frozen=True):
    """What sign-ins came to and took, by day (UTC) and method; days without any are left out."""

    since: date
    until: date
    """The first day that is not among them."""
    days: tuple[DayOfMethod, ...]


class FeedbackEntry(Struct, frozen=True):
    """What somebody said of a way in. Who it was is not told."""

    id: UUID
    organisation_id: UUID
    method: Method
    at: datetime
    score: int
    """From 1 to 5; 5 is best."""
    text: str


class FeedbackList(Struct, frozen=True):
    feedback: tuple[FeedbackEntry, ...]
    next: str | None


class MarkRow(Struct, frozen=True, kw_only=True):
    """Which marks a way in got."""

    method: Method
    answers: int
    mean: float | None
    low: float | None
    """Where the mean of everybody would lie, at 95 %; null where too few answered."""
    high: float | None
    counts: tuple[int, ...]
    """How many gave 1, 2, 3, 4 and 5."""

    @classmethod
    def of(cls, method: Method, marks: Marks) -> MarkRow:
        interval = marks.interval
        return cls(
            method=method,
            answers=marks.total,
            mean=marks.mean,
            low=interval.low if interval else None,
            high=interval.high if interval else None,
            counts=tuple(marks.counts.get(mark, 0) for mark in range(WORST, BEST + 1)),
        )


class MarksDocument(Struct, frozen=True):
    days: int
    methods: tuple[MarkRow, ...]
