"""Counts and durations by route: plain numbers that the warm way adds to, read when Prometheus asks."""

from __future__ import annotations

from policy.decision import Effect

BOUNDS = (
    0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 60.0, float("inf"),
)  # fmt: skip
"""Seconds: a warm decision takes some ten microseconds, an answer may take a minute."""
STATUSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
"""`none`: the client went before there was an answer."""


class Histogram:
    """Whoever is in a hurry adds to `counts` (by the first of `BOUNDS` that is not exceeded) and `sum` themselves."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * len(BOUNDS)
        self.sum = 0.0


class Meter:
    """Of one route."""

    __slots__ = ("allowed", "answered", "bytes_in", "bytes_out", "decided", "effects", "route", "whole", "zone")

    def __init__(self, route: str, zone: str) -> None:
        self.route = route
        self.zone = zone
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

    def of(self, effect: Effect | None) -> list[int]:
        """The counts of one effect."""
        counts = self.effects.get(effect)
        if counts is None:
            counts = self.effects[effect] = [0] * len(STATUSES)
        return counts
