"""A request: what one person asks for, from submission to decision."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from upstreams.trade.allocation import Basket, Outcome
from upstreams.trade.money import Money


@dataclass(frozen=True, slots=True)
class Request:
    """What one person asks for."""

    basket: Basket
    person: UUID
    organisation: UUID | None
    shard: int


@dataclass(frozen=True, slots=True)
class Reservable:
    """What can be reserved: its price, and how many at once."""

    sku: str
    price: Money
    limit: int


class Requests(Protocol):
    """Requests, durable before they are answered, decided once."""

    async def reservable(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, Reservable]:
        """Those of these things that can be reserved."""

    async def submit(self, tx: Transaction, asked: Request, things: Mapping[str, Reservable], now: datetime) -> None:
        """Write a request; its place in the order of arrival is given here."""

    async def claim(self, tx: Transaction, idents: Sequence[UUID]) -> list[tuple[Basket, UUID]]:
        """Those of these requests that are still queued, locked, in order of arrival, each with its person.

        Waits for whoever decides one of them at the same time, and leaves out what they decided.
        """

    async def decide(self, tx: Transaction, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Write what became of claimed requests."""

    async def bury(self, tx: Transaction, ident: UUID, reason: str, now: datetime) -> None:
        """Give up on a request that cannot be decided, so that it holds nobody up."""

    async def forgotten(
        self, tx: Transaction, before: datetime, now: datetime, *, limit: int, shard: int | None = None
    ) -> list[tuple[UUID, int]]:
        """Queued requests that were last put into the stream before a moment, each with its shard.

        They are marked as put in now.
        """

    async def acknowledge(self, tx: Transaction, person: UUID, idents: Collection[UUID], now: datetime) -> None:
        """The person's page has these results."""
