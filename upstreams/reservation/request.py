"""A request: what one person asks for, from submission to decision."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from upstreams.reservation.deciding import Decision, Kind, Shape
from upstreams.reservation.terms import ON_SITE, Terms
from upstreams.trade.allocation import Basket, Line
from upstreams.trade.money import Money


def ident_of(now: datetime, chance: UUID) -> UUID:
    """The id of a request of this moment, of which `chance` gives all but the time (RFC 9562, section 5.7, version 7).

    Requests of one moment are neighbours in every index that knows them by it, as are their holds and reservations.
    """
    moment = int(now.timestamp() * 1000) << 80
    return UUID(int=moment | 0x7 << 76 | chance.int & ~(0xFFFFFFFFFFFF << 80 | 0xF << 76))


@dataclass(frozen=True, slots=True)
class Request:
    """What one person asks for."""

    basket: Basket
    person: UUID
    organisation: UUID | None
    shard: int


@dataclass(frozen=True, slots=True)
class Reservable:
    """What can be reserved: its price, how many at once, and how many a person."""

    sku: str
    price: Money
    limit: int
    kind: Kind = "counted"
    limit_per_person: int | None = None
    unit_minutes: int | None = None
    """The length that the price is for, where the thing is had for a time."""
    terms: Terms = ON_SITE
    name: Mapping[str, str] = field(default_factory=dict)

    def fault(self, line: Line) -> str | None:
        """What is wrong with how a line asks for this thing; None where nothing is."""
        if line.seats and self.kind != "seated":
            return "it has no seats."
        if self.unit_minutes is None:
            return None if line.during is None else "it is not had for a time."
        if line.during is None:
            return "it is had from a moment to another: say which."
        length = line.during.end - line.during.start
        unit = timedelta(minutes=self.unit_minutes)
        if length <= timedelta(0) or length % unit or length // unit != line.quantity:
            return f"its time is a multiple of {self.unit_minutes} minutes, and the quantity says how many."
        return None


class Requests(Protocol):
    """Requests, durable before they are answered, decided once."""

    async def reservable(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, Reservable]:
        """Those of these things that can be reserved."""

    async def submit(self, tx: Transaction, asked: Request, things: Mapping[str, Reservable], now: datetime) -> None:
        """Write a request; its place in the order of arrival is given here."""

    async def things(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, Reservable]:
        """All of these things that there are, whether they can be reserved now or could when they were asked for."""

    async def had(
        self, tx: Transaction, persons: Collection[UUID], skus: Collection[str]
    ) -> Mapping[tuple[UUID, str], int]:
        """How many of these things these persons hold or have confirmed."""

    async def shapes(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, Shape]:
        """What each of these things is, and how many of it one person may have."""

    async def decide(self, tx: Transaction, decisions: Sequence[Decision], now: datetime) -> list[int]:
        """Write what became of claimed requests. Answers the number of each among the events, in their order."""

    async def bury(
        self, tx: Transaction, ident: UUID, reason: str, now: datetime, *, error: str, sqlstate: str | None
    ) -> None:
        """Give up on a request that cannot be decided, so that it holds nobody up; it is a dead letter now."""

    async def reservable_skus(self, tx: Transaction) -> Collection[str]:
        """Everything that can be reserved."""

    async def keys_since(self, tx: Transaction, moment: datetime) -> Sequence[tuple[UUID, str]]:
        """The idempotency keys that were used since a moment, each with its person."""

    async def forget_keys(self, tx: Transaction, before: datetime, *, limit: int) -> int:
        """Forget the idempotency keys that were used before a moment, so many at a time. Answers how many."""

    async def acknowledge(self, tx: Transaction, person: UUID, idents: Collection[UUID], now: datetime) -> None:
        """The person's page has these results."""
