"""When a cohort will have enrolled, from the pace at which it does: a date with its interval, or none at all.

The pace of the last days is taken to hold. How far it may be off is the interval of a count that varies from day to day
at least as much as chance has it (Poisson), and as much more as these days did. A pace that falls is said, and then no
last date is promised: the ones who are left are not the ones who came first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist, fmean, variance

from idp.rollout.inference import CONFIDENCE

WINDOW = 14
"""Days whose pace counts, at most."""
LEAST_DAYS = 3
LEAST_ENROLLED = 5
"""Under so many of both no date is named."""
FARTHEST = timedelta(days=3650)
"""Beyond it "never at this pace" is the honest word."""
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@dataclass(frozen=True, slots=True)
class Forecast:
    """When everybody will have enrolled."""

    on: date | None
    """None: too little is known, or it would take longer than anybody plans."""
    from_: date | None
    until: date | None
    """None with a date named: there is no last one that could be promised."""
    pace: float
    """Enrolments a day, lately."""
    slowing: bool
    """The second half of the days had markedly fewer than the first."""


NOBODY = Forecast(None, None, None, 0.0, slowing=False)
"""Of a phase that has reached nobody."""


def forecast(left: int, daily: Sequence[int], today: date) -> Forecast:
    """`left`: who has not enrolled yet. `daily`: how many did on each of the last days, the latest last, `today` (which
    is not over) left out."""
    days = list(daily)[-WINDOW:]
    count = sum(days)
    pace = count / len(days) if days else 0.0
    slowing = _slowing(days)
    if left == 0:
        return Forecast(today, today, today, pace, slowing=False)
    if len(days) < LEAST_DAYS or count < LEAST_ENROLLED:
        return Forecast(None, None, None, pace, slowing)
    low, high = _bounds(count, _overdispersion(days))
    on = _after(today, left * len(days) / count)
    late = _after(today, left * len(days) / low) if low > 0 and not slowing else None
    return Forecast(on, _after(today, left * len(days) / high) if on else None, late if on else None, pace, slowing)


def _overdispersion(days: Sequence[int]) -> float:
    """How much more the days vary than chance alone has it; never less."""
    mean = fmean(days)
    return max(1.0, variance(days) / mean) if len(days) > 1 and mean > 0 else 1.0


def _bounds(count: int, spread: float) -> tuple[float, float]:
    """The interval of what is expected where `count` was seen (Garwood's by Wilson and Hilferty), widened by
    `spread`."""
    effective = count / spread
    low = 0.0 if effective == 0 else effective * (1 - 1 / (9 * effective) - _Z / (3 * math.sqrt(effective))) ** 3
    more = effective + 1
    high = more * (1 - 1 / (9 * more) + _Z / (3 * math.sqrt(more))) ** 3
    return max(0.0, low) * spread, high * spread


def _slowing(days: Sequence[int]) -> bool:
    """Whether the second half had fewer than chance explains, given how many both had together."""
    half = len(days) // 2
    if half < LEAST_DAYS:
        return False
    first, second = sum(days[:half]), sum(days[-half:])
    both = first + second
    if both < LEAST_ENROLLED:
        return False
    spread = math.sqrt(both * _overdispersion(days))
    return (first - second) / spread > _Z


def _after(today: date, days: float) -> date | None:
    return None if days > FARTHEST.days else today + timedelta(days=math.ceil(days))
