"""How much likelier a sign-in is as somebody else's than as the person's own, feature by feature.

Freeman, Jain, Dürmuth, Biggio, Giacinto: Who Are You? A Statistical Approach to Measuring User Authenticity (NDSS
2016), section IV. A value that a person never showed is looked for at the next wider level (their back-off by linear
interpolation). Of `p(x | all) / p(x | person)` what all have in common cancels at each level, which leaves

    1 / (rest + sum over levels of share * (of the person's sign-ins) / (of all sign-ins))

Two things are ours. An attacker is taken to come half the time from anywhere in the world alike, not only from where
people are (section IV-C has their reputation lists there). And how often the person signs in at all is left out: people
who seldom come would be asked each time.
"""

from __future__ import annotations

from math import exp, log
from typing import Final

from policy.risk.sign_in.features import WHERE, Feature, Seen
from policy.risk.sign_in.profile import OF_ONE, Population, Profile

UNSEEN: Final = 0.05
"""Probability that somebody with endless history shows what they never showed."""
CAUTION: Final = 3.0
"""Sign-ins after which half of what is usual is believed: of a newcomer nothing is odd."""
MOST_FAMILIAR: Final = -3.5
"""No feature speaks more for a person than this, in natural logarithms: a stolen cookie must not outvote the rest."""
COUNTRIES: Final = 250
FROM_ANYWHERE: Final = 0.5
"""Attackers who come from a country at random."""


def evidence(feature: Feature, profile: Profile, population: Population, seen: Seen) -> float:
    """The natural logarithm of the ratio: below 0 it speaks for the person, above 0 against."""
    believed = profile.sign_ins / (profile.sign_ins + CAUTION) * (1 - UNSEEN)
    usual = 1 - believed
    for level in feature.levels:
        value = getattr(seen, level.name)
        if (own := profile.share(level.name, value)) > 0:
            usual += believed * level.share * own / _of_all(population, level.name, value)
        elif not value and level.name not in OF_ONE:
            usual += believed * level.share  # nobody knows it of anybody: it says nothing
    told = -log(usual)
    if feature is WHERE and seen.country and profile.sign_ins:
        told += believed * _elsewhere(population, seen.country)
    return max(MOST_FAMILIAR, told)


def _of_all(population: Population, level: str, value: str) -> float:
    if level in OF_ONE:
        return 1 / (population.sign_ins + 1)
    return population.share(level, value)


def _elsewhere(population: Population, country: str) -> float:
    """How much likelier attackers come from a country than people do, as a logarithm."""
    share = population.share("country", country)
    return log(((1 - FROM_ANYWHERE) * share + FROM_ANYWHERE / COUNTRIES) / share)


def probability(odds: float) -> float:
    """The logistic function."""
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0
