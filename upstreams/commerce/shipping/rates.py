"""What a parcel of one seller costs: flat, free from a sum on, by weight, by region. Pure.

A rule is a row: for one region or for everywhere else, from so many grams on, a fee, and the sum of goods from which
there is none. Of the rules that a parcel meets the one of its own region counts before the one of everywhere, and among
these the heaviest that it reaches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from upstreams.commerce.catalogue import Texts

PICKUP = "pickup"
"""Collecting it at the seller's: the one way that everybody has, at no cost and without an address."""
LIGHTEST = 500
"""Grams of a thing whose weight nobody wrote down."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What it costs under which conditions, in minor units and grams."""

    region: str | None
    from_grams: int
    fee: int
    free_from: int | None = None

    def __post_init__(self) -> None:
        if self.from_grams < 0 or self.fee < 0 or (self.free_from is not None and self.free_from < 1):
            raise ValueError("a rule has no negative numbers, and is free from a sum on, not from nothing")


@dataclass(frozen=True, slots=True)
class Method:
    """One way in which a seller delivers, and how many days after the order that takes."""

    code: str
    name: Texts
    days_min: int
    days_max: int
    rules: Sequence[Rule] = ()

    @property
    def needs_address(self) -> bool:
        return self.code != PICKUP

    def days(self, ordered: date) -> tuple[date, date]:
        """When it arrives: the first and the last day."""
        return ordered + timedelta(days=self.days_min), ordered + timedelta(days=self.days_max)


COLLECTED = Method(PICKUP, {"ko": "직접 찾아가기", "en": "Pick up"}, 1, 14, (Rule(None, 0, 0),))


def checked(rules: Sequence[Rule]) -> Sequence[Rule]:
    """Rules that leave no parcel without a fee. Raises `ValueError`."""
    if not any(rule.region is None and rule.from_grams == 0 for rule in rules):
        raise ValueError("one rule is for everywhere, from 0 grams on")
    if len({(rule.region, rule.from_grams) for rule in rules}) != len(rules):
        raise ValueError("there is one rule for each region and weight")
    return rules


def fee(method: Method, region: str | None, goods: int, grams: int) -> int:
    """What a parcel costs, in minor units; `goods`: what is in it, in minor units."""
    met = [rule for rule in method.rules if rule.region in (None, region) and rule.from_grams <= grams]
    if not met:
        raise ValueError(f"{method.code}: no rule for this parcel")
    rule = max(met, key=lambda one: (one.region is not None, one.from_grams))
    return 0 if rule.free_from is not None and goods >= rule.free_from else rule.fee
