"""What an order becomes: one purchase, one order per seller, each line from the shelves of its seller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import NewType, Protocol
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy
from config.problem import ProblemType
from upstreams.commerce.catalogue import SALE, Offer, Texts
from upstreams.trade.allocation import Line, Shelf, Taken, allocate, basket_of
from upstreams.trade.money import Money

MAX_LINES = 50
MAX_QUANTITY = 999

SOLD_OUT = ProblemType(
    "MJ-COM-001",
    HTTPStatus.CONFLICT,
    "There are not that many left",
    "Order fewer, or look again later.",
)
NOT_OFFERED = ProblemType(
    "MJ-COM-002",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "This is not on offer",
    "Load the products again and order from what they offer.",
)
NO_SUCH_ORDER = ProblemType(
    "MJ-COM-003", HTTPStatus.NOT_FOUND, "There is no such order", "Check the number of the order."
)
REFUSALS = {kind.code: kind for kind in (SOLD_OUT, NOT_OFFERED)}

Wanted = NewType("Wanted", dict[UUID, int])
"""How many of each offer; a thing that is named twice was summed."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """So many of one offer, from one warehouse, at the price of that moment."""

    offer: UUID
    name: Texts
    taken: Taken
    unit_price: Money


@dataclass(frozen=True, slots=True)
class SellerOrder:
    """What one seller delivers."""

    id: UUID
    seller: UUID
    seller_name: Texts
    state: str
    goods: Money
    lines: Sequence[OrderLine]


@dataclass(frozen=True, slots=True)
class Purchase:
    """What one person bought at one moment."""

    id: UUID
    person: UUID
    organisation: UUID | None
    placed_at: datetime
    total: Money
    orders: Sequence[SellerOrder]


class Purchases(Protocol):
    """What was bought. A person finds their own alone."""

    async def place(self, tx: Transaction, bought: Purchase) -> None:
        """Write a purchase with its orders and their first events."""

    async def find(self, tx: Transaction, ident: UUID, person: UUID) -> Purchase | None:
        """One purchase of this person; None for one that is somebody else's, or nobody's."""

    async def of(self, tx: Transaction, person: UUID, *, limit: int = 50) -> Sequence[Purchase]:
        """A person's purchases, the newest first."""


def wanted_of(lines: Sequence[tuple[UUID, int]]) -> Wanted:
    """Sum lines by offer. Raises `ValueError` for none, too many, or an impossible quantity."""
    if not 1 <= len(lines) <= MAX_LINES:
        raise ValueError(f"an order has 1 to {MAX_LINES} lines")
    wanted: dict[UUID, int] = {}
    for offer, quantity in lines:
        if quantity < 1:
            raise ValueError("a quantity is at least 1")
        wanted[offer] = wanted.get(offer, 0) + quantity
        if wanted[offer] > MAX_QUANTITY:
            raise ValueError(f"a quantity is at most {MAX_QUANTITY}")
    return Wanted(wanted)


def not_offered(wanted: Wanted, offers: Sequence[Offer]) -> bool:
    """Whether something that is wanted is not sold here and now, or not in one currency."""
    sold = {offer.id for offer in offers if offer.product_type == SALE}
    return set(wanted) != sold or len({offer.price.currency for offer in offers}) != 1


def plan(
    wanted: Wanted,
    offers: Sequence[Offer],
    shelves: Sequence[Shelf],
    owners: Mapping[str, UUID],
    *,
    person: UUID,
    organisation: UUID | None,
    now: datetime,
    entropy: Entropy,
) -> Purchase | None:
    """The purchase, or None where one line of one seller cannot be had: all or nothing.

    `shelves` are locked; `owners` says whose warehouse each stands in.
    """
    orders = []
    for seller in sorted({offer.seller for offer in offers}):
        its = {offer.sku: offer for offer in offers if offer.seller == seller}
        basket = basket_of(seller, [Line(sku, wanted[offer.id]) for sku, offer in its.items()])
        outcome = allocate([basket], [shelf for shelf in shelves if owners.get(shelf.warehouse) == seller])[0]
        if outcome.refusal is not None:
            return None
        lines = [
            OrderLine(its[taken.sku].id, its[taken.sku].name, taken, its[taken.sku].price) for taken in outcome.taken
        ]
        goods = Money(sum(line.unit_price.minor * line.taken.quantity for line in lines), lines[0].unit_price.currency)
        seller_name = next(iter(its.values())).seller_name
        orders.append(SellerOrder(entropy.uuid(), seller, seller_name, "received", goods, lines))
    total = Money(sum(order.goods.minor for order in orders), orders[0].goods.currency)
    return Purchase(entropy.uuid(), person, organisation, now, total, orders)
