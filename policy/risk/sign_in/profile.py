"""What is usual: of one person, from their own sign-ins, and of all people together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from policy.risk.sign_in.features import LEVELS, Seen

REMEMBERED: Final = 64
"""Sign-ins that make a profile: the latest. So much memory a person takes, and no more."""
VALUES: Final = 2000
"""Values of one level that the population remembers: the most frequent."""
OF_ONE: Final = frozenset(("device",))
"""Levels whose values belong to one person alone: the population does not count them by value."""


class Profile:
    """A person's habits."""

    __slots__ = ("counts", "last", "sign_ins")

    def __init__(self, latest: Sequence[Seen]) -> None:
        """`latest`: their sign-ins that got in, the newest first."""
        known = latest[:REMEMBERED]
        self.sign_ins = len(known)
        self.last = known[0] if known else None
        columns = dict(zip(Seen._fields, zip(*known, strict=True), strict=True)) if known else {}
        self.counts = {level: Counter(columns.get(level, ())) for level in LEVELS}

    def share(self, level: str, value: str) -> float:
        """Of the sign-ins, how many had this value."""
        return self.counts[level][value] / self.sign_ins if self.sign_ins and value else 0.0


class Population(msgspec.Struct):
    """How frequent each value is among all sign-ins. What is older counts less, by `faded`."""

    sign_ins: float = 0.0
    counts: dict[str, dict[str, float]] = msgspec.field(default_factory=lambda: {level: {} for level in LEVELS})

    def learn(self, sign_ins: Iterable[Seen]) -> None:
        """Count more of them, and forget the rarest values where there are too many."""
        for one in sign_ins:
            self.sign_ins += 1
            for level, counted in self.counts.items():
                if level not in OF_ONE and (value := getattr(one, level)):
                    counted[value] = counted.get(value, 0.0) + 1
        for level, counted in self.counts.items():
            if len(counted) > VALUES:
                self.counts[level] = dict(_most(counted, VALUES // 2))

    def fade(self, factor: float) -> None:
        """Count all that was for less."""
        self.sign_ins *= factor
        for counted in self.counts.values():
            for value in counted:
                counted[value] *= factor

    def share(self, level: str, value: str) -> float:
        """Of all sign-ins, how many have this value: never 0, since whatever comes may come again."""
        counted = self.counts[level]
        return (counted.get(value, 0.0) + 1) / (self.sign_ins + len(counted) + 1)


def _most(counted: Mapping[str, float], number: int) -> list[tuple[str, float]]:
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:number]
