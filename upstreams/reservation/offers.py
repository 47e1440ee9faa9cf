"""What can be reserved, as whoever chooses sees it; and how slots are laid out over the days."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from config.connections import Transaction
from upstreams.reservation.deciding import Kind
from upstreams.reservation.terms import ON_SITE, Terms
from upstreams.trade.allocation import Window
from upstreams.trade.money import Money

MOST_SLOTS = 1000
"""Slots that one plan lays out."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that can be reserved; a slot where it has a time."""

    sku: str
    product: UUID
    kind: Kind
    name: Mapping[str, str]
    starts_at: datetime | None
    ends_at: datetime | None
    price: Money
    unit_minutes: int | None
    limit_per_request: int
    limit_per_person: int | None
    terms: Terms = ON_SITE


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat of a thing, and whether it can be had."""

    label: str
    free: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Slots of one product: on which days of the week, from when, how long, how many for each."""

    first: date
    last: date
    weekdays: Collection[int]
    """0 is Monday."""
    times: Sequence[time]
    minutes: int
    zone: str

    def windows(self) -> Iterator[Window]:
        """When the slots are, in order. A time that the clocks skip on its day is moved on by as much.

        Raises `ValueError` where the plan makes no sense or is too long.
        """
        if self.last < self.first or self.minutes < 1:
            raise ValueError("a plan begins before it ends, and its slots last")
        days = (self.last - self.first).days + 1
        if days * len(self.times) > MOST_SLOTS:
            raise ValueError(f"at most {MOST_SLOTS} slots at once")
        zone = ZoneInfo(self.zone)
        for offset in range(days):
            day = self.first + timedelta(days=offset)
            if day.weekday() not in self.weekdays:
                continue
            for at in sorted(set(self.times)):
                start = datetime.combine(day, at, zone).astimezone(ZoneInfo("UTC"))
                yield Window(start, start + timedelta(minutes=self.minutes))


class Offers(Protocol):
    """What can be reserved."""

    async def find(
        self, tx: Transaction, *, product: UUID | None, between: Window | None, limit: int = 500
    ) -> Sequence[Offer]:
        """Things that can be reserved, by time and name: of one product, and with a slot that begins within a time."""

    async def seats(self, tx: Transaction, sku: str) -> Sequence[Seat]:
        """The seats of a thing, in the order of their places."""

    async def taken(self, tx: Transaction, sku: str, within: Window) -> Sequence[Window]:
        """When a resource is taken, within a time."""

    async def lay_out(
        self, tx: Transaction, pattern: Offer, slots: Mapping[str, Window], warehouse: str
    ) -> Sequence[str]:
        """Make a thing for each slot, like the pattern; those that there are stay as they are. Answers the new ones."""

    async def seat(self, tx: Transaction, sku: str, labels: Sequence[str]) -> int:
        """Put seats to a thing, after those that it has. Answers how many are new."""

    async def one(self, tx: Transaction, sku: str) -> Offer | None:
        """One thing, whether it can be reserved now or not."""
