"""On what terms something is reserved: whether it is paid in advance, and what cancelling costs. They are the terms of
the moment of asking, whatever is changed afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

import msgspec

from config.connections import Transaction
from upstreams.reservation.cancelling.policy import FREE, Deadline, Policy, policy_of
from upstreams.trade.money import Money

Payment = Literal["on_site", "before"]


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one thing."""

    payment: Payment = "on_site"
    policy: Policy = FREE

    def written(self) -> list[dict[str, int]]:
        """The deadlines, as they are kept."""
        return [{"hours": one.hours, "fee": one.fee} for one in self.policy.deadlines]


ON_SITE = Terms()
"""Paid on the spot, cancelled freely."""


def terms_of(payment: Payment, deadlines: Any) -> Terms:
    """From how they are kept."""
    return Terms(payment, policy_of(msgspec.convert(deadlines, list[Deadline])))


@dataclass(frozen=True, slots=True)
class TermLine:
    """A line of a reservation with its terms."""

    sku: str
    name: Mapping[str, str]
    quantity: int
    unit_price: Money
    terms: Terms
    starts_at: datetime | None

    @property
    def in_advance(self) -> int:
        """What each is to be paid in advance, in minor units."""
        return self.unit_price.minor if self.terms.payment == "before" else 0


class TermLines(Protocol):
    """The lines of reservations, and what their holds keep."""

    async def of(self, tx: Transaction, reservation: UUID) -> Sequence[TermLine]:
        """The lines of one reservation, in the order of their names."""

    async def prolong(self, tx: Transaction, hold: UUID, until: datetime) -> None:
        """Keep what is still held until then at least."""

    async def can_be_had(self, tx: Transaction, hold: UUID) -> bool:
        """Whether nobody has what an ended hold kept. Nothing is locked: a moment later it may be otherwise."""

    async def take_again(self, tx: Transaction, hold: UUID, cause: str, now: datetime) -> bool:
        """Hold once more what an expired hold kept, all of it from where it was; False where somebody has it."""


def due(lines: Sequence[TermLine]) -> Money:
    """What is to be paid before a reservation can be confirmed."""
    return Money(sum(line.in_advance * line.quantity for line in lines), lines[0].unit_price.currency)


def called(lines: Sequence[TermLine], locale: str, quantities: Mapping[str, int] | None = None) -> str:
    """What a reservation is called in a sentence: names and quantities."""
    return ", ".join(
        f"{line.name.get(locale) or line.name['ko']} × {count}"
        for line in lines
        if (count := line.quantity if quantities is None else quantities.get(line.sku, 0))
    )
