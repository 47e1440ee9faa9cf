"""Options: what a product can be chosen by, the combinations of it, and what each costs.

A combination is one value of every category. Its key names them sorted, so that the same choice has one key, whatever
the order in which it was made.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from config.problem import ProblemType
from upstreams.commerce.catalogue.offers import Texts

MAX_CATEGORIES = 5
MAX_VALUES = 60
MAX_COMBINATIONS = 500
"""Of one product; a shop that needs more has several products."""

NOT_A_COMBINATION = ProblemType(
    "MJ-COM-103",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "This is not a combination of the product's options",
    "Name one value of each option category, and nothing else.",
)
COMBINATION_TAKEN = ProblemType(
    "MJ-COM-104",
    HTTPStatus.CONFLICT,
    "There is an SKU of this code or of this combination already",
    "Change the one that there is, or choose another code.",
)
OPTION_IN_USE = ProblemType(
    "MJ-COM-105",
    HTTPStatus.CONFLICT,
    "SKUs of the product stand for options that would be gone",
    "Keep the option categories and values that SKUs name, or take those off sale.",
)


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a category, and what it costs more."""

    code: str
    name: Texts
    surcharge: int = 0
    """Minor units, never below 0."""


@dataclass(frozen=True, slots=True)
class Category:
    """What can be chosen: a colour, a size."""

    code: str
    name: Texts
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Variant:
    """An SKU: one combination, or all there is of a product without options."""

    sku: str
    option_key: str
    price: int | None
    """Set for it alone; None: it is worked out."""
    active: bool = True


def key_of(chosen: Mapping[str, str]) -> str:
    """The key of a choice, sorted by category: `color=red;size=m`; nothing chosen: ``."""
    return ";".join(f"{category}={value}" for category, value in sorted(chosen.items()))


def chosen_in(key: str) -> dict[str, str]:
    """The choice that a key stands for."""
    return dict(part.split("=", 1) for part in key.split(";")) if key else {}


def is_combination(categories: Iterable[Category], chosen: Mapping[str, str]) -> bool:
    """Whether this names one value of each category, and nothing else."""
    values = {category.code: {value.code for value in category.values} for category in categories}
    return set(values) == set(chosen) and all(value in values[category] for category, value in chosen.items())


def combinations(categories: Sequence[Category]) -> list[dict[str, str]]:
    """Every combination, in the order of the categories and their values."""
    named = [[(category.code, value.code) for value in category.values] for category in categories]
    return [dict(one) for one in itertools.product(*named)]


def price_of(base: int, own: int | None, categories: Iterable[Category], chosen: Mapping[str, str]) -> int:
    """What a combination costs: the SKU's own price where it has one, else the base and each value's surcharge."""
    if own is not None:
        return own
    surcharges = {(one.code, value.code): value.surcharge for one in categories for value in one.values}
    return base + sum(surcharges[choice] for choice in chosen.items())


def check(categories: Sequence[Category]) -> None:
    """Raises `ValueError` for codes that stand twice, categories without values, and too many."""
    codes = [category.code for category in categories]
    if len(set(codes)) != len(codes):
        raise ValueError("an option category stands once")
    if len(codes) > MAX_CATEGORIES:
        raise ValueError(f"a product has at most {MAX_CATEGORIES} option categories")
    count = 1
    for category in categories:
        values = [value.code for value in category.values]
        if len(set(values)) != len(values) or not values:
            raise ValueError(f"{category.code}: it has values, each once")
        if len(values) > MAX_VALUES:
            raise ValueError(f"{category.code}: at most {MAX_VALUES} values")
        count *= len(values)
    if count > MAX_COMBINATIONS:
        raise ValueError(f"a product has at most {MAX_COMBINATIONS} combinations")


def lost(categories: Sequence[Category], variants: Iterable[Variant]) -> list[str]:
    """The SKUs on sale that these categories have no combination for."""
    return [one.sku for one in variants if one.active and not is_combination(categories, chosen_in(one.option_key))]


class Options(Protocol):
    """The options and SKUs of products."""

    async def categories(self, tx: Transaction, product: UUID) -> Sequence[Category]:
        """What the product can be chosen by, in its order."""

    async def put(self, tx: Transaction, product: UUID, categories: Sequence[Category]) -> None:
        """Set what it can be chosen by; what stays keeps its SKUs."""

    async def variants(self, tx: Transaction, product: UUID) -> Sequence[Variant]:
        """Its SKUs, by their codes."""

    async def put_variant(self, tx: Transaction, product: UUID, variant: Variant) -> bool:
        """Make an SKU, or change its price and whether it is sold. False: its code or its combination is another's."""
