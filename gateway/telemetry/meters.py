"""Counts and durations by route: the warm way leaves one row of numbers; many at once are folded into histograms, which
costs a third of finding the bucket of each."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from policy.decision import Effect

BOUNDS = (
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 60.0, float("inf"),
)  # fmt: skip
"""Seconds: a warm decision takes some ten microseconds, an answer may take a minute."""
STATUSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
"""`none`: the client went before there was an answer."""


NEVER = -1.0
"""In place of a duration that there was not."""
FOLD_AT = 256
"""Rows that wait at most: folding them takes some fifty microseconds."""
Row = tuple[float, float, float, int, int]
"""Seconds to the verdict, from there to the upstream's answer, and in all; bytes in and out."""


class Histogram:
    """`counts` by the first of `BOUNDS` that is not exceeded."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * len(BOUNDS)
        self.sum = 0.0

    def observe(self, values: tuple[float, ...]) -> None:
        """Many at once."""
        ordered = sorted(values)
        below = never = bisect_left(ordered, 0.0)
        self.sum += sum(ordered) - never * NEVER
        for place, bound in enumerate(BOUNDS):
            upto = bisect_right(ordered, bound, below)
            self.counts[place] += upto - below
            if upto == len(ordered):
                break
            below = upto


class Meter:
    """Of one route."""

    __slots__ = (
        "allowed", "answered", "asked_by", "bytes_in", "bytes_out", "decided", "effects", "route", "rows", "whole",
        "zone",
    )  # fmt: skip

    def __init__(self, route: str, zone: str, asked_by: str = "") -> None:
        """`asked_by`: the kind of proxy that asked at a door; empty: the gateway's own."""
        self.route = route
        self.zone = zone
        self.asked_by = asked_by
        self.effects: dict[Effect | None, list[int]] = {}
        """Exchanges by what was decided and the first digit of their status; None: nothing was."""
        self.allowed = self.of(Effect.ALLOW)
        self.decided = Histogram()
        """From the head of the request to the verdict."""
        self.answered = Histogram()
        """From the verdict to the head of the upstream's answer."""
        self.whole = Histogram()
        """From the head of the request to the last byte of the answer; websockets are left out."""
        self.bytes_in = self.bytes_out = 0
        self.rows: list[Row] = []
        """Not folded yet."""

    def of(self, effect: Effect | None) -> list[int]:
        """The counts of one effect."""
        counts = self.effects.get(effect)
        if counts is None:
            counts = self.effects[effect] = [0] * len(STATUSES)
        return counts

    def fold(self) -> None:
        """Bring the histograms and the bytes up to date."""
        if not self.rows:
            return
        decided, answered, whole, bytes_in, bytes_out = zip(*self.rows, strict=True)
        self.rows.clear()
        self.decided.observe(decided)
        self.answered.observe(answered)
        self.whole.observe(whole)
        self.bytes_in += sum(bytes_in)
        self.bytes_out += sum(bytes_out)
