"""Whom a phase reached beside those whom it did not: how smoothly, how quickly, on what they sign in (D2).

Compared are people, not sign-ins: those of one person are alike, and would make chance look like a finding.
Everybody of a group counts, whichever way they signed in: whoever falls back to the old way tells something, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from statistics import median
from typing import Final, Literal

from msgspec import Struct

from idp.rollout.inference import (
    CONFIDENCE,
    LEAST_TIMES,
    Share,
    mann_whitney,
    medians_apart,
    needed,
    two_proportions,
)

CHANCE: Final = 1 - CONFIDENCE
WORTH_SEEING: Final = 0.05
"""A difference in the share of people that is worth seeing: five in a hundred."""
LEAST_OF_PLATFORM: Final = 10
"""People of each group on a platform under which it is not compared."""
ControlIs = Literal["rest_of_cohort", "before"]
"""`rest_of_cohort`: people of the same cohort whom the phase does not reach yet. `before`: where it reaches all of it,
the same people as long before it began as it has been running; what else has changed since is in it, too."""
Verdict = Literal["too_few", "better", "worse", "no_difference_seen"]


@dataclass(frozen=True, slots=True)
class Person:
    """One person's sign-ins."""

    got_in: int
    missed: int
    """Attempts that failed, or were given up."""
    seconds: float | None
    """The median of what those took that got in."""

    @property
    def tried(self) -> bool:
        return self.got_in + self.missed > 0


class Side(Struct, frozen=True, kw_only=True):
    """One of the two groups."""

    people: int
    tried: int
    """Those who signed in, or wanted to."""
    smooth: int
    """Of these, those of whom no attempt came to nothing."""
    attempts: int
    missed: int
    median_seconds: float | None
    """The median of the people's medians."""


class Apart(Struct, frozen=True, kw_only=True):
    """How far the first group is above the second."""

    value: float
    low: float
    high: float
    p: float
    """How often chance alone would set them this far apart."""


class OnPlatform(Struct, frozen=True, kw_only=True):
    """Browser and system, and who missed there at least once."""

    platform: str
    """As devices are called: "Chrome · Windows"; empty: it does not say."""
    tried: int
    missed: int
    control_tried: int
    control_missed: int
    apart: Apart | None
    """Of the shares of those who missed; its interval is as wide as so many comparisons ask (Bonferroni). None: too
    few."""
    worse: bool
    """More people miss there than chance explains."""


class Comparison(Struct, frozen=True, kw_only=True):
    """What was seen, and what it allows to say."""

    control_is: ControlIs
    since: datetime | None
    until: datetime
    pilot: Side
    control: Side
    smooth: Apart | None
    """Of the shares of people who got in without a miss."""
    speed: Apart | None
    """Of the median seconds, by the bootstrap; its `p` is Mann and Whitney's."""
    longer: float | None
    """How probable it is that somebody of the pilot takes longer than somebody of the control."""
    needed: int | None
    """People of each group that it takes to see a difference of 5 in 100 four times of five; None: none can be
    lower."""
    success: Verdict
    quickness: Verdict
    platforms: tuple[OnPlatform, ...]


Platforms = Mapping[str, tuple[int, int]]
"""By platform how many people tried there, and how many of them missed."""


def compare(
    pilot: Sequence[Person],
    control: Sequence[Person],
    platforms: tuple[Platforms, Platforms],
    *,
    control_is: ControlIs,
    since: datetime | None,
    until: datetime,
    random: Random,
) -> Comparison:
    """The comparison; `random` draws the resamples."""
    first, second = _side(pilot), _side(control)
    one, other = Share(first.tried, first.smooth), Share(second.tried, second.smooth)
    smooth = _apart(one, other, CONFIDENCE)
    times = [[person.seconds for person in group if person.seconds is not None] for group in (pilot, control)]
    ranks, medians = mann_whitney(times[0], times[1]), medians_apart(times[0], times[1], random)
    speed = Apart(value=medians[0], low=medians[1].low, high=medians[1].high, p=ranks.p) if ranks and medians else None
    base = other.value
    enough = needed(base, -WORTH_SEEING) if base is not None and base > 0 else None
    return Comparison(
        control_is=control_is,
        since=since,
        until=until,
        pilot=first,
        control=second,
        smooth=smooth,
        speed=speed,
        longer=ranks.longer if ranks else None,
        needed=enough,
        success=_success(smooth, min(first.tried, second.tried), enough),
        quickness=_quickness(speed),
        platforms=_platforms(*platforms),
    )


def _side(people: Sequence[Person]) -> Side:
    tried = [person for person in people if person.tried]
    times = [person.seconds for person in tried if person.seconds is not None]
    return Side(
        people=len(people),
        tried=len(tried),
        smooth=sum(person.missed == 0 for person in tried),
        attempts=sum(person.got_in + person.missed for person in tried),
        missed=sum(person.missed for person in tried),
        median_seconds=median(times) if times else None,
    )


def _apart(one: Share, other: Share, confidence: float) -> Apart | None:
    found = two_proportions(one, other, confidence)
    if found is None:
        return None
    return Apart(value=found.value, low=found.interval.low, high=found.interval.high, p=found.p)


def _success(smooth: Apart | None, least: int, enough: int | None) -> Verdict:
    """What is seen is said however few there are; that nothing is seen, only where enough people were looked at."""
    if smooth is None or least < LEAST_TIMES:
        return "too_few"
    if smooth.p < CHANCE:
        return "better" if smooth.value > 0 else "worse"
    return "no_difference_seen" if enough is not None and least >= enough else "too_few"


def _quickness(speed: Apart | None) -> Verdict:
    if speed is None:
        return "too_few"
    if speed.p < CHANCE and (speed.low > 0 or speed.high < 0):
        return "worse" if speed.value > 0 else "better"
    return "no_difference_seen"


def _platforms(pilot: Platforms, control: Platforms) -> tuple[OnPlatform, ...]:
    compared = [name for name in pilot if min(pilot[name][0], control.get(name, (0, 0))[0]) >= LEAST_OF_PLATFORM]
    rows = []
    for name in sorted({*pilot, *control}, key=lambda one: (-pilot.get(one, (0, 0))[0], one)):
        (tried, missed), (other_tried, other_missed) = pilot.get(name, (0, 0)), control.get(name, (0, 0))
        apart = None
        if name in compared:
            confidence = 1 - CHANCE / len(compared)
            apart = _apart(Share(tried, missed), Share(other_tried, other_missed), confidence)
        rows.append(
            OnPlatform(
                platform=name,
                tried=tried,
                missed=missed,
                control_tried=other_tried,
                control_missed=other_missed,
                apart=apart,
                worse=apart is not None and apart.low > 0,
            )
        )
    return tuple(rows)
