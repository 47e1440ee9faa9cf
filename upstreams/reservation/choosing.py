"""What there is to choose from, as a page shows it: products with their slots, rows of seats, a day in pieces. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from upstreams.reservation.offers import Offer, Seat
from upstreams.trade.allocation import Window

_ROW = re.compile(r"(.*?)[- ]?\d+")


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing, and how many there are."""

    offer: Offer
    available: int | None
    """None where it is not counted: a resource."""

    @property
    def most(self) -> int:
        """How many can be asked for at once."""
        limits = [self.offer.limit_per_request, self.offer.limit_per_person, self.available]
        return max(0, min(limit for limit in limits if limit is not None))


@dataclass(frozen=True, slots=True)
class Product:
    """Everything that there is of one product."""

    id: UUID
    choices: Sequence[Choice]

    @property
    def first(self) -> Offer:
        return self.choices[0].offer

    @property
    def is_counted(self) -> bool:
        """Whether it is chosen by numbers alone; seats and times have pages of their own."""
        return self.first.kind == "counted"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a day, and whether the resource can be had then."""

    window: Window
    free: bool


def products_of(offers: Sequence[Offer], levels: Mapping[str, int], now: datetime) -> list[Product]:
    """What has not begun yet, by product, in the order in which the offers come."""
    groups: dict[tuple[UUID, str], list[Choice]] = {}
    for offer in offers:
        if offer.starts_at is None or offer.starts_at > now:
            alone = "" if offer.kind == "counted" else offer.sku
            groups.setdefault((offer.product, alone), []).append(choice_of(offer, levels))
    return [Product(product, choices) for (product, _), choices in groups.items()]


def choice_of(offer: Offer, levels: Mapping[str, int]) -> Choice:
    """One thing, with how many there are."""
    return Choice(offer, None if offer.kind == "resource" else levels.get(offer.sku, 0))


def rows_of(seats: Sequence[Seat]) -> list[tuple[str, list[Seat]]]:
    """Seats by their row, which is what their label begins with: of A12 and A-12 it is A."""
    return [(row, list(found)) for row, found in groupby(seats, lambda seat: _row(seat.label))]


def _row(label: str) -> str:
    found = _ROW.fullmatch(label)
    return found[1] if found else ""


def day_of(day: date, zone: str) -> Window:
    """A day on the clock of a zone: 23 to 25 hours."""
    place = ZoneInfo(zone)
    return Window(datetime.combine(day, time(), place), datetime.combine(day + timedelta(days=1), time(), place))


def pieces_of(day: Window, minutes: int, taken: Sequence[Window], now: datetime) -> list[Piece]:
    """A day in pieces of the length that a resource is had by; what is past is not free."""
    pieces = []
    start = day.start.astimezone(ZoneInfo("UTC"))
    while start < day.end:
        window = Window(start, start + timedelta(minutes=minutes))
        pieces.append(Piece(window, start >= now and not any(window.meets(one) for one in taken)))
        start = window.end
    return pieces
