"""All features together: a risk from 0 to 100, and what it is made of."""

from __future__ import annotations

from math import log
from typing import Final, NamedTuple

from policy.risk.sign_in.features import FEATURES, Seen
from policy.risk.sign_in.half_space_trees import Forest
from policy.risk.sign_in.likelihood import MOST_FAMILIAR, evidence, probability
from policy.risk.sign_in.profile import Population, Profile

HIGHEST: Final = 100
NEUTRAL: Final = -1.7
"""Evidence at which a sign-in is as likely somebody else's as the person's own: people are attacked less often than
they sign in."""
SPREAD: Final = 1.2
FAILED_WEIGHT: Final = 0.5
ODD_WEIGHT: Final = 1.5
ODD_FROM: Final = 0.6
"""Oddness that says nothing yet."""
JOURNEY_WEIGHT: Final = 1.2
AT_ONCE: Final = 3600.0
"""Seconds in which nobody is in another country, unless by a tunnel or a network that spans both."""
DIMENSIONS: Final = len(FEATURES) + 2
_LONGEST = log(1 + 180 * 24)


class Attempt(NamedTuple):
    """What is assessed."""

    seen: Seen
    failed: int = 0
    """Attempts for this account that failed within the last hour."""


class Assessment(NamedTuple):
    """The risk, and points that add up to it, the largest first."""

    risk: int
    shares: tuple[tuple[str, int], ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The shares as a history keeps them: `place 41`."""
        return tuple(f"{name} {points}" for name, points in self.shares)


def assess(attempt: Attempt, profile: Profile, population: Population, forest: Forest) -> Assessment:
    """How odd it is. Of somebody who never signed in nothing is: 0 unless attempts failed."""
    told = _told(attempt, profile, population)
    told["failed attempts"] = FAILED_WEIGHT * log(1 + attempt.failed)
    told["journey"] = JOURNEY_WEIGHT if _journey(attempt.seen, profile) else 0.0
    if profile.sign_ins:
        odd = forest.oddness(_point(attempt, profile, told))
        told["combination"] = ODD_WEIGHT * max(0.0, odd - ODD_FROM) / (1 - ODD_FROM)
    risk = round(HIGHEST * probability((sum(told.values()) - NEUTRAL) / SPREAD))
    return Assessment(risk, _shares(risk, told))


def point(attempt: Attempt, profile: Profile, population: Population) -> tuple[float, ...]:
    """Where a sign-in stands among all others, for the forest to learn."""
    return _point(attempt, profile, _told(attempt, profile, population))


def _told(attempt: Attempt, profile: Profile, population: Population) -> dict[str, float]:
    return {feature.name: evidence(feature, profile, population, attempt.seen) for feature in FEATURES}


def _point(attempt: Attempt, profile: Profile, told: dict[str, float]) -> tuple[float, ...]:
    since = attempt.seen.at - profile.last.at if profile.last is not None else 0.0
    return (
        *(min(1.0, max(0.0, 0.5 - told[feature.name] / (2 * MOST_FAMILIAR))) for feature in FEATURES),
        min(1.0, log(1 + max(0.0, since) / 3600) / _LONGEST),
        min(1.0, attempt.failed / 10),
    )


def _journey(seen: Seen, profile: Profile) -> bool:
    """Whether somebody was elsewhere a moment ago. A country that they use both ways is no journey: it is how their
    network or their tunnel leads."""
    last = profile.last
    if last is None or not seen.country or not last.country or seen.country == last.country:
        return False
    return seen.at - last.at < AT_ONCE and not profile.counts["country"][seen.country]


def _shares(risk: int, told: dict[str, float]) -> tuple[tuple[str, int], ...]:
    """Points by what speaks against the person, in proportion; the rest of rounding goes to the largest."""
    against = sorted(((value, name) for name, value in told.items() if value > 0), key=lambda pair: (-pair[0], pair[1]))
    whole = sum(value for value, _ in against)
    if not risk or not whole:
        return ()
    points = [int(risk * value / whole) for value, _ in against]
    points[0] += risk - sum(points)
    return tuple((name, number) for (_, name), number in zip(against, points, strict=True) if number)
