"""First come, first served over everything that can be reserved: counts, unique seats, resources over time. Pure.

Requests are decided one after the other, each all or nothing, as if each were alone with what the ones before it left.
So it makes no difference how many are decided at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from upstreams.trade.allocation import Basket, Line, Refusal, Serving, Shelf, Taken, Window

Kind = Literal["counted", "seated", "resource"]
"""Alike and counted; seat by seat; one thing that is had for a time."""


class Shape(NamedTuple):
    """What a thing is, as far as deciding goes."""

    kind: Kind
    limit_per_person: int | None


class Wish(msgspec.Struct, frozen=True):
    """A request whose turn it is."""

    basket: Basket
    person: UUID
    asked_at: datetime | None = None


class Places(msgspec.Struct, frozen=True):
    """What is free besides counts."""

    seats: Mapping[str, Sequence[str]] = msgspec.field(default_factory=dict)
    """Free seats of each thing that has seats, the best first."""
    taken: Mapping[str, Sequence[Window]] = msgspec.field(default_factory=dict)
    """When each resource is taken."""


class Shares(msgspec.Struct, frozen=True):
    """How much of a thing one person may have, where that is limited, and what they have."""

    limits: Mapping[str, int] = msgspec.field(default_factory=dict)
    had: Mapping[tuple[UUID, str], int] = msgspec.field(default_factory=dict)


class Placed(msgspec.Struct, frozen=True):
    """Seats and a time that a request was given, and for the store the hold that keeps them."""

    hold: UUID
    seats: Sequence[tuple[str, str]]
    booked: Sequence[Line]


class Decision(msgspec.Struct, frozen=True):
    """What became of one request: what it takes, or why it gets nothing."""

    request: UUID
    person: UUID
    taken: tuple[Taken, ...] = ()
    seats: tuple[tuple[str, str], ...] = ()
    """Thing and label of each seat."""
    booked: tuple[Line, ...] = ()
    """The lines of resources."""
    refusal: Refusal | None = None


def decide(
    wishes: Iterable[Wish], shelves: Sequence[Shelf], places: Places | None = None, shares: Shares | None = None
) -> list[Decision]:
    """Serve requests in their order."""
    floor = _Floor(shelves, places or Places(), shares or Shares())
    return [floor.serve(wish) for wish in wishes]


class _Floor:
    def __init__(self, shelves: Sequence[Shelf], places: Places, shares: Shares) -> None:
        self._serving = Serving(shelves)
        self._seats = {sku: dict.fromkeys(labels) for sku, labels in places.seats.items()}
        self._taken = {sku: list(windows) for sku, windows in places.taken.items()}
        self._limits = shares.limits
        self._had = dict(shares.had)

    def serve(self, wish: Wish) -> Decision:
        lines = wish.basket.lines
        booked = tuple(line for line in lines if line.sku in self._taken)
        counted = tuple(line for line in lines if line.sku not in self._taken) if booked else lines
        refusal = self._serving.refusal(counted) or self._refusal(wish.person, lines)
        if refusal is not None:
            return Decision(wish.basket.id, wish.person, refusal=refusal)
        for line in booked:
            assert line.during is not None  # a request for a resource without a time is not submitted
            self._taken[line.sku].append(line.during)
        seats = tuple(seat for line in counted for seat in self._seat(line)) if self._seats else ()
        if self._limits:
            self._count(wish.person, lines)
        return Decision(wish.basket.id, wish.person, self._serving.take(counted), seats, booked)

    def _refusal(self, person: UUID, lines: Iterable[Line]) -> Refusal | None:
        for line in lines:
            limit = self._limits.get(line.sku)
            if limit is not None and self._had.get((person, line.sku), 0) + line.quantity > limit:
                return Refusal.LIMIT
            free = self._seats.get(line.sku)
            if free is not None and any(label not in free for label in line.seats):
                return Refusal.TAKEN
            if line.during is not None and any(line.during.meets(other) for other in self._taken.get(line.sku, ())):
                return Refusal.TAKEN
        return None

    def _seat(self, line: Line) -> list[tuple[str, str]]:
        free = self._seats.get(line.sku)
        if free is None:
            return []
        labels = line.seats or tuple(list(free)[: line.quantity])
        for label in labels:
            del free[label]
        return [(line.sku, label) for label in labels]

    def _count(self, person: UUID, lines: Iterable[Line]) -> None:
        for line in lines:
            if line.sku in self._limits:
                self._had[person, line.sku] = self._had.get((person, line.sku), 0) + line.quantity
