"""First come, first served: a batch of baskets against the shelves, each basket all or nothing.

A batch decides exactly as its baskets would one after the other. Whatever it grants fits on the shelves it was shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Refusal(StrEnum):
    """Why a basket got nothing."""

    UNKNOWN = "unknown_sku"
    """One of its lines names something that stands on no shelf."""
    SOLD_OUT = "sold_out"
    """One of its lines asks for more than is left."""


@dataclass(frozen=True, slots=True)
class Line:
    """So many of one thing."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is left of one thing in one place."""

    sku: str
    warehouse: str
    available: int


@dataclass(frozen=True, slots=True)
class Taken:
    """So many of one thing, from one place."""

    sku: str
    warehouse: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Basket:
    """What one request asks for. Make it with `basket_of`: no thing stands in it twice."""

    id: UUID
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one basket: taken from the shelves, or refused."""

    basket: UUID
    taken: tuple[Taken, ...] = ()
    refusal: Refusal | None = None


def basket_of(ident: UUID, lines: Iterable[Line]) -> Basket:
    """A basket whose lines are summed by thing, in the order of their names.

    Two lines of one thing, checked apart, would each find enough and together oversell. Raises `ValueError` for a
    quantity below 1 and for an empty basket.
    """
    wanted: dict[str, int] = {}
    for line in lines:
        if line.quantity < 1:
            raise ValueError(f"{line.sku}: a quantity is at least 1")
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    if not wanted:
        raise ValueError("a basket holds something")
    return Basket(ident, tuple(Line(sku, wanted[sku]) for sku in sorted(wanted)))


def allocate(baskets: Iterable[Basket], shelves: Sequence[Shelf]) -> list[Outcome]:
    """Serve baskets in their order; a line is filled from its shelves in theirs."""
    left: dict[str, dict[str, int]] = {}
    for shelf in shelves:
        left.setdefault(shelf.sku, {})[shelf.warehouse] = shelf.available
    return [_serve(basket, left) for basket in baskets]


def _serve(basket: Basket, left: Mapping[str, dict[str, int]]) -> Outcome:
    for line in basket.lines:
        if line.sku not in left:
            return Outcome(basket.id, refusal=Refusal.UNKNOWN)
        if sum(left[line.sku].values()) < line.quantity:
            return Outcome(basket.id, refusal=Refusal.SOLD_OUT)
    return Outcome(basket.id, tuple(taken for line in basket.lines for taken in _take(line, left[line.sku])))


def _take(line: Line, places: dict[str, int]) -> list[Taken]:
    taken = []
    wanted = line.quantity
    for warehouse, available in places.items():
        if part := min(wanted, available):
            places[warehouse] = available - part
            wanted -= part
            taken.append(Taken(line.sku, warehouse, part))
    return taken
