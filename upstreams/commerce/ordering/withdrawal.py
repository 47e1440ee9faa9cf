"""Cancelling before it goes out, sending back afterwards: what of an order, and how much goes back. Pure.

Shipping goes back with the last of an order that is cancelled before any of it went out; what is sent back by choice
keeps its shipping (Act on the Consumer Protection in Electronic Commerce, article 18).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from config.problem import Problem, ProblemType
from upstreams.commerce.ledger.split import SoldLine, undone
from upstreams.commerce.ordering.purchase import OrderLine, SellerOrder
from upstreams.commerce.ordering.states import NOT_NOW, CancellationState
from upstreams.trade.allocation import Taken
from upstreams.trade.money import Money

Kind = Literal["cancel", "return"]
RETURN_WITHIN = timedelta(days=7)
"""How long after delivery something may be sent back (the same act, article 17)."""

NO_SUCH_CANCELLATION = ProblemType(
    "MJ-COM-231", HTTPStatus.NOT_FOUND, "There is no such cancellation", "Look at the order."
)
NOT_LEFT = ProblemType(
    "MJ-COM-232",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "That many are not left to be given back",
    "Load the order again: some of it went out, or was cancelled before.",
)
TOO_LATE = ProblemType(
    "MJ-COM-233",
    HTTPStatus.CONFLICT,
    "The time for sending it back is over",
    "Ask whoever sold it; what is broken may be sent back for longer.",
)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What is cancelled or sent back of one order, and the money of it."""

    id: UUID
    order: UUID
    person: UUID
    kind: Kind
    state: CancellationState
    reason: str
    lines: Sequence[Taken]
    goods: int
    shipping: int
    commission: int
    """The house's part of `goods`, which it gives back too."""
    requested_at: datetime
    done_at: datetime | None = None

    @property
    def refund(self) -> int:
        return self.goods + self.shipping


class Withdrawals(Protocol):
    """Cancellations and returns."""

    async def write(self, tx: Transaction, made: Withdrawal) -> None:
        """Write one of a locked order. Raises `NOT_NOW` where a return is under way."""

    async def of(self, tx: Transaction, orders: Sequence[UUID]) -> Sequence[Withdrawal]:
        """All of these orders, the oldest first."""

    async def move(self, tx: Transaction, made: Withdrawal, to: CancellationState, now: datetime) -> None:
        """Change the state of one whose order is locked, and its commission, which is known at its end.

        Raises `NOT_NOW`.
        """

    async def say(self, tx: Transaction, order: UUID, person: UUID, stars: int, words: str, now: datetime) -> bool:
        """Write what a person thinks of a completed order; False where they said it before."""

    async def said(self, tx: Transaction, orders: Sequence[UUID]) -> Mapping[UUID, tuple[int, str]]:
        """What was said of these orders: stars and words."""


def cancelled(
    order: SellerOrder, wanted: Mapping[str, int], *, ident: UUID, person: UUID, reason: str, now: datetime
) -> Withdrawal:
    """Cancel so many of each thing, or all that has not gone out where none is named.

    Raises `NOT_NOW`, `NOT_LEFT`.
    """
    if order.state not in ("paid", "preparing", "shipping"):
        raise Problem(NOT_NOW, f"It is {order.state}.")
    left = {(line.taken.sku, line.taken.warehouse): line.to_ship for line in order.lines}
    lines = _chosen(order.lines, left, wanted)
    whole = sum(one.quantity for one in lines) == sum(left.values()) and not any(line.shipped for line in order.lines)
    shipping = order.shipping.minor - order.shipping_back if whole else 0
    goods, commission = _worth(order, lines)
    return Withdrawal(ident, order.id, person, "cancel", "done", reason, lines, goods, shipping, commission, now, now)


def sent_back(
    order: SellerOrder,
    delivered: Mapping[tuple[str, str], int],
    wanted: Mapping[str, int],
    *,
    ident: UUID,
    person: UUID,
    reason: str,
    now: datetime,
    last_delivery: datetime | None,
) -> Withdrawal:
    """Ask to send back so many of each thing that arrived, or all where none is named.

    Raises `NOT_NOW`, `NOT_LEFT`, `TOO_LATE`.
    """
    if order.state not in ("shipping", "completed") or last_delivery is None:
        raise Problem(NOT_NOW, f"It is {order.state}.")
    if now > last_delivery + RETURN_WITHIN:
        raise Problem(TOO_LATE)
    places = {(line.taken.sku, line.taken.warehouse): line for line in order.lines}
    left = {place: delivered.get(place, 0) - line.returned for place, line in places.items()}
    lines = _chosen(order.lines, left, wanted)
    goods, commission = _worth(order, lines)
    return Withdrawal(ident, order.id, person, "return", "requested", reason, lines, goods, 0, commission, now)


def worth_of(order: SellerOrder, lines: Sequence[Taken]) -> tuple[int, int]:
    """(goods, commission) of lines as the order stands at this moment."""
    return _worth(order, lines)


def whole_is_cancelled(order: SellerOrder, made: Withdrawal) -> bool:
    """Whether nothing of the order is left after it."""
    return sum(one.quantity for one in made.lines) == sum(line.kept for line in order.lines)


def _chosen(lines: Sequence[OrderLine], left: Mapping[tuple[str, str], int], wanted: Mapping[str, int]) -> list[Taken]:
    asked = dict(wanted)
    if not asked:
        for line in lines:
            place = (line.taken.sku, line.taken.warehouse)
            asked[line.taken.sku] = asked.get(line.taken.sku, 0) + left[place]
    chosen = []
    for line in lines:
        place = (line.taken.sku, line.taken.warehouse)
        part = min(asked.get(line.taken.sku, 0), left[place])
        if part > 0:
            asked[line.taken.sku] -= part
            chosen.append(Taken(line.taken.sku, line.taken.warehouse, part))
    if not chosen or any(asked.values()):
        raise Problem(NOT_LEFT)
    return chosen


def _worth(order: SellerOrder, lines: Sequence[Taken]) -> tuple[int, int]:
    counts = {(one.sku, one.warehouse): one.quantity for one in lines}
    sold = [
        SoldLine(line.taken.quantity, line.unit_price.minor, line.cancelled + line.returned) for line in order.lines
    ]
    parts = undone(
        Money(order.commission.minor, order.goods.currency),
        sold,
        [counts.get((line.taken.sku, line.taken.warehouse), 0) for line in order.lines],
    )
    return sum(part.goods for part in parts), sum(part.commission for part in parts)
