"""First come, first served: a batch of baskets against the shelves, each basket all or nothing.

A batch decides exactly as its baskets would one after the other. Whatever it grants fits on the shelves it was shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec


class Refusal(StrEnum):
    """Why a basket got nothing."""

    UNKNOWN = "unknown_sku"
    """One of its lines names something that stands on no shelf."""
    SOLD_OUT = "sold_out"
    """One of its lines asks for more than is left."""
    TAKEN = "taken"
    """One of its lines names a seat that somebody has, or a time at which somebody has the resource."""
    LIMIT = "limit_per_person"
    """With what the person has already, one of its lines is more than one person may have."""


class Window(msgspec.Struct, frozen=True):
    """From a moment until just before another."""

    start: datetime
    end: datetime

    def meets(self, other: Window) -> bool:
        """Whether they have a moment in common."""
        return self.start < other.end and other.start < self.end


class Line(msgspec.Struct, frozen=True):
    """So many of one thing."""

    sku: str
    quantity: int
    seats: tuple[str, ...] = ()
    """Which ones, where they are not alike; as many as `quantity`, or none for any."""
    during: Window | None = None
    """When, where it is had for a time; `quantity` is the length in the thing's own unit."""


class Shelf(msgspec.Struct, frozen=True):
    """What is left of one thing in one place."""

    sku: str
    warehouse: str
    available: int


class Taken(msgspec.Struct, frozen=True):
    """So many of one thing, from one place."""

    sku: str
    warehouse: str
    quantity: int


class Basket(msgspec.Struct, frozen=True):
    """What one request asks for. Make it with `basket_of`: no thing stands in it twice."""

    id: UUID
    lines: tuple[Line, ...]


class Outcome(msgspec.Struct, frozen=True):
    """What became of one basket: taken from the shelves, or refused."""

    basket: UUID
    taken: tuple[Taken, ...] = ()
    refusal: Refusal | None = None


def basket_of(ident: UUID, lines: Iterable[Line]) -> Basket:
    """A basket whose lines are summed by thing, in the order of their names.

    Two lines of one thing, checked apart, would each find enough and together oversell. Raises `ValueError` for a
    quantity below 1, for an empty basket, for a seat that is named twice or beside any seat of the same thing, and for
    two times of one thing.
    """
    wanted: dict[str, Line] = {}
    for line in lines:
        if line.quantity < 1:
            raise ValueError(f"{line.sku}: a quantity is at least 1")
        if line.seats and len(line.seats) != line.quantity:
            raise ValueError(f"{line.sku}: as many seats as the quantity says, or none")
        wanted[line.sku] = _together(wanted[line.sku], line) if line.sku in wanted else line
        if len(set(wanted[line.sku].seats)) != len(wanted[line.sku].seats):
            raise ValueError(f"{line.sku}: a seat is named once")
    if not wanted:
        raise ValueError("a basket holds something")
    return Basket(ident, tuple(wanted[sku] for sku in sorted(wanted)))


def _together(one: Line, other: Line) -> Line:
    if one.during or other.during:
        raise ValueError(f"{one.sku}: one time of each thing")
    if bool(one.seats) != bool(other.seats):
        raise ValueError(f"{one.sku}: every seat is named, or none")
    return Line(one.sku, one.quantity + other.quantity, (*one.seats, *other.seats))


def allocate(baskets: Iterable[Basket], shelves: Sequence[Shelf]) -> list[Outcome]:
    """Serve baskets in their order; a line is filled from its shelves in theirs."""
    serving = Serving(shelves)
    return [serving.serve(basket) for basket in baskets]


class Serving:
    """The shelves while baskets are served from them, one after the other."""

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        self._left: dict[str, dict[str, int]] = {}
        for shelf in shelves:
            self._left.setdefault(shelf.sku, {})[shelf.warehouse] = shelf.available

    def serve(self, basket: Basket) -> Outcome:
        """Take the basket from the shelves, all of it or nothing."""
        refusal = self.refusal(basket.lines)
        if refusal is not None:
            return Outcome(basket.id, refusal=refusal)
        return Outcome(basket.id, self.take(basket.lines))

    def refusal(self, lines: Iterable[Line]) -> Refusal | None:
        """Why these lines cannot be taken; None where they can."""
        for line in lines:
            places = self._left.get(line.sku)
            if places is None:
                return Refusal.UNKNOWN
            if sum(places.values()) < line.quantity:
                return Refusal.SOLD_OUT
        return None

    def take(self, lines: Iterable[Line]) -> tuple[Taken, ...]:
        """Take lines for which there is no `refusal`."""
        taken = []
        for line in lines:
            wanted, places = line.quantity, self._left[line.sku]
            for warehouse, available in places.items():
                if part := min(wanted, available):
                    places[warehouse] = available - part
                    wanted -= part
                    taken.append(Taken(line.sku, warehouse, part))
                if not wanted:
                    break
        return tuple(taken)
