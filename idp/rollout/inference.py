"""What two groups' figures say, and what they do not: intervals, tests, and how many it takes.

Proportions: Wilson's interval, Newcombe's interval of a difference (Newcombe 1998, method 10), the pooled
two-proportion test. Durations: medians by the bootstrap, and the Mann-Whitney test with its correction for ties.
Nothing here knows what is counted.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import NormalDist

_NORMAL = NormalDist()
CONFIDENCE = 0.95
RESAMPLES = 2000
LEAST_TIMES = 20
"""Durations of each group under which the normal approximation of Mann and Whitney is not used."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    of: int
    """How many there were."""
    hits: int

    @property
    def value(self) -> float | None:
        """Between 0 and 1; None of nobody."""
        return self.hits / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a value lies, at `CONFIDENCE`."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the first of two figures is above the second."""

    value: float
    interval: Interval
    p: float
    """How often chance alone would set two groups of the same kind this far apart (two-sided)."""


def wilson(share: Share, confidence: float = CONFIDENCE) -> Interval | None:
    """Wilson's interval of a proportion; None of nobody."""
    if not share.of:
        return None
    z = _z(confidence)
    p, n = share.hits / share.of, share.of
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if share.hits == 0 else middle - half
    return Interval(low, 1.0 if share.hits == n else middle + half)


def two_proportions(one: Share, other: Share, confidence: float = CONFIDENCE) -> Difference | None:
    """The difference of two proportions, with Newcombe's interval and the pooled test; None where a group is empty."""
    first, second = wilson(one, confidence), wilson(other, confidence)
    if first is None or second is None:
        return None
    p, q = one.hits / one.of, other.hits / other.of
    value = p - q
    low = value - math.hypot(p - first.low, second.high - q)
    high = value + math.hypot(first.high - p, q - second.low)
    pooled = (one.hits + other.hits) / (one.of + other.of)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / one.of + 1 / other.of))
    chance = 1.0 if spread == 0 else math.erfc(abs(value) / spread / math.sqrt(2))
    return Difference(value, Interval(low, high), chance)


@dataclass(frozen=True, slots=True)
class RankTest:
    """What Mann and Whitney say of two groups of durations."""

    u: float
    """Of the first group."""
    p: float
    longer: float
    """How probable it is that one of the first group takes longer than one of the second; of equal ones half."""


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> RankTest | None:
    """The two-sided test by the normal approximation, corrected for ties and continuity; None where too few are
    there."""
    n, m = len(one), len(other)
    if min(n, m) < LEAST_TIMES:
        return None
    sorted_other = sorted(other)
    u = sum((bisect_left(sorted_other, x) + bisect_right(sorted_other, x)) / 2 for x in one)
    total = n + m
    ties = sum(count**3 - count for count in Counter([*one, *other]).values())
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:  # all alike
        return RankTest(u, 1.0, 0.5)
    distance = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return RankTest(u, math.erfc(distance / math.sqrt(2)), u / (n * m))


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """A quantile of what is in order, between neighbours (Hyndman and Fan, type 7); None of nothing."""
    if not ordered:
        return None
    place = (len(ordered) - 1) * share
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def medians_apart(
    one: Sequence[float], other: Sequence[float], random: Random, confidence: float = CONFIDENCE
) -> tuple[float, Interval] | None:
    """How far the first median is above the second, with the bootstrap's percentile interval; None where too few are
    there."""
    if min(len(one), len(other)) < LEAST_TIMES:
        return None
    first, second = sorted(one), sorted(other)
    apart = sorted(_resampled(first, random) - _resampled(second, random) for _ in range(RESAMPLES))
    tail = (1 - confidence) / 2
    low, high = quantile(apart, tail), quantile(apart, 1 - tail)
    middle, beside = quantile(first, 0.5), quantile(second, 0.5)
    assert low is not None and high is not None and middle is not None and beside is not None  # noqa: PT018
    return middle - beside, Interval(low, high)


def _resampled(ordered: Sequence[float], random: Random) -> float:
    """The median of one resample. Of n draws with replacement the k-th in order stands at floor(n * B) where B has the
    distribution of the k-th of n uniform numbers, Beta(k, n - k + 1): one draw in place of n."""
    n = len(ordered)
    if n % 2:
        return ordered[min(n - 1, int(n * random.betavariate((n + 1) / 2, (n + 1) / 2)))]
    k = n // 2
    lower = random.betavariate(k, k + 1)
    # the next in order is the least of the n - k that lie above it
    upper = lower + (1 - lower) * (1 - random.random() ** (1 / (n - k)))
    return (ordered[min(n - 1, int(n * lower))] + ordered[min(n - 1, int(n * upper))]) / 2


def needed(base: float, apart: float, *, power: float = 0.8, confidence: float = CONFIDENCE) -> int:
    """How many of each group it takes to see, so often, that a proportion is `apart` from `base` (Fleiss, Levin and
    Paik 2003, formula 4.14, without its correction for continuity). Raises `ValueError` for none apart."""
    other = min(1.0, max(0.0, base + apart))
    if other == base:
        raise ValueError("nothing is apart")
    mean = (base + other) / 2
    seen = _z(confidence) * math.sqrt(2 * mean * (1 - mean))
    found = _NORMAL.inv_cdf(power) * math.sqrt(base * (1 - base) + other * (1 - other))
    return math.ceil(((seen + found) / (base - other)) ** 2)


def _z(confidence: float) -> float:
    return _NORMAL.inv_cdf((1 + confidence) / 2)
