"""How long stock lasts at the rate at which it was sold, and what runs low."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WINDOW = 28
"""Days that a rate of sale is taken over: four of each weekday."""
HALF_LIFE = 7.0
"""Days after which a sale counts half as much: what sells this week says more than what sold three weeks ago."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When a thing is low: at so many, or when it will not last until more can come."""

    threshold: int = 5
    lead_days: int = 7


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a thing sells in one place, and how long what is left lasts."""

    available: int
    per_day: float
    days_left: float | None
    """None: nothing was sold lately, so nothing can be said."""

    def low(self, rule: Rule) -> bool:
        """Whether it runs low."""
        return self.available <= rule.threshold or (self.days_left is not None and self.days_left < rule.lead_days)


def per_day(sold: Sequence[int], known_days: int = WINDOW) -> float:
    """The rate of sale. `sold`: how many on each day, today first; `known_days`: for how many it has been sold at all.

    Days are weighed by how recent they are. What was cancelled was not sold: a day may be below 0, a rate is not.
    """
    days = min(max(known_days, 1), WINDOW)
    weights = [math.exp2(-day / HALF_LIFE) for day in range(days)]
    total = sum(weight * count for weight, count in zip(weights, sold, strict=False))
    return max(total / sum(weights), 0.0)


def forecast(available: int, sold: Sequence[int], known_days: int = WINDOW) -> Forecast:
    """How long what is left lasts."""
    rate = per_day(sold, known_days)
    return Forecast(available, rate, available / rate if rate > 0 else None)
