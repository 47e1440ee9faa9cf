"""Which of two zones demands more: crossing into a stricter one demands more, not less (P8)."""

from __future__ import annotations

from policy.artefact import Hour, Zone
from policy.local_time import within

TWO_FACTORS = 2
"""What a risk above `step_up_risk` demands: whoever must give them anyway gives them then."""


def weaker_in(one: Zone, other: Zone) -> tuple[str, ...]:
    """The demands of `other` that `one` does not make to the same degree, by the names of its fields; none: whoever may
    enter `one` meets all that `other` demands."""
    weaker = {
        "assurance": one.assurance < other.assurance,
        "device": one.device < other.device,
        "max_age": other.max_age is not None and (one.max_age is None or one.max_age > other.max_age),
        "networks": not _narrower(one.networks, other.networks),
        "countries": not _narrower(one.countries, other.countries),
        "hours": not _hours(one.hours) <= _hours(other.hours),
        "weekdays": not _narrower(one.weekdays, other.weekdays),
        "step_up_risk": one.step_up_risk > other.step_up_risk and one.assurance < TWO_FACTORS,
        "max_risk": one.max_risk > other.max_risk,
    }
    return tuple(name for name, is_weaker in weaker.items() if is_weaker)


def _narrower(one: tuple[str, ...] | tuple[int, ...], other: tuple[str, ...] | tuple[int, ...]) -> bool:
    """An empty list stands for any."""
    return not other or (bool(one) and set(one) <= set(other))


def _hours(hours: tuple[Hour, Hour] | None) -> frozenset[int]:
    return frozenset(hour for hour in range(24) if hours is None or within(hours, hour))
