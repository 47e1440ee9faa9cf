"""Until when something can be cancelled, and for what fee. Pure.

A policy is a list of deadlines before the beginning, each with its fee: the first deadline that is not past decides.
Past the last one, and once it has begun, nothing can be cancelled. An empty list: free until it begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated

import msgspec

WHOLE = 10_000
"""A fee of everything, in basis points."""


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to so many hours before the beginning, for a fee of so many basis points (1/100 %)."""

    hours: Annotated[int, msgspec.Meta(ge=0, le=24 * 366)]
    fee: Annotated[int, msgspec.Meta(ge=0, le=WHOLE)]


@dataclass(frozen=True, slots=True)
class Policy:
    """The deadlines of one thing. Make it with `policy_of`."""

    deadlines: tuple[Deadline, ...] = ()

    def fee(self, starts_at: datetime | None, now: datetime) -> int | None:
        """The fee now, in basis points; None where it is too late. What begins at no moment is never late."""
        if starts_at is None:
            return self.deadlines[0].fee if self.deadlines else 0
        left = starts_at - now
        if left <= timedelta():
            return None
        if not self.deadlines:
            return 0
        return next((one.fee for one in self.deadlines if left >= timedelta(hours=one.hours)), None)


FREE = Policy()
"""Free until it begins."""


def policy_of(deadlines: Sequence[Deadline]) -> Policy:
    """A policy, its deadlines in order. Raises `ValueError` for two of one hour, and for a fee that falls with time."""
    ordered = sorted(deadlines, key=lambda one: -one.hours)
    for earlier, later in pairwise(ordered):
        if earlier.hours == later.hours:
            raise ValueError(f"two fees {later.hours} hours before")
        if earlier.fee > later.fee:
            raise ValueError("whoever cancels earlier never pays more")
    return Policy(tuple(ordered))
