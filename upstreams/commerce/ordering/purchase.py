"""What was bought: one purchase, one order per seller, each line from the shelves of its seller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Literal, NewType, Protocol
from uuid import UUID

import msgspec

from config.connections import Transaction
from config.problem import ProblemType
from upstreams.commerce.catalogue import Texts
from upstreams.commerce.ordering.states import OrderState, PurchaseState
from upstreams.commerce.shipping.rates import PICKUP
from upstreams.trade.allocation import Taken
from upstreams.trade.money import Money

MAX_LINES = 50
MAX_QUANTITY = 999
PayingMethod = Literal["card", "wallet", "transfer"]

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
NOT_DELIVERED_SO = ProblemType(
    "MJ-COM-203",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "It cannot be delivered like this",
    "Give an address, and choose of each seller one of the ways in which it delivers.",
)
TOTAL_CHANGED = ProblemType(
    "MJ-COM-205",
    HTTPStatus.CONFLICT,
    "The total has changed since you looked",
    "Look at the order again: a price or a delivery fee changed meanwhile.",
)
REFUSALS = {kind.code: kind for kind in (SOLD_OUT, NOT_OFFERED, NOT_DELIVERED_SO, TOTAL_CHANGED)}

Wanted = NewType("Wanted", dict[UUID, int])
"""How many of each offer; a thing that is named twice was summed."""


class Destination(msgspec.Struct, frozen=True):
    """To whom and where it is delivered; kept sealed, shown to its owner and to the sellers that deliver there."""

    recipient: str
    phone: str
    """In the form of E.164, or empty."""
    postcode: str
    address: str
    detail: str = ""

    def __repr__(self) -> str:
        return "Destination(…)"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """So many of one offer, from one warehouse, at the price of that moment, and what became of them."""

    offer: UUID
    name: Texts
    taken: Taken
    unit_price: Money
    shipped: int = 0
    cancelled: int = 0
    returned: int = 0

    @property
    def kept(self) -> int:
        """How many are not cancelled."""
        return self.taken.quantity - self.cancelled

    @property
    def to_ship(self) -> int:
        """How many have not gone out."""
        return self.kept - self.shipped


@dataclass(frozen=True, slots=True)
class SellerOrder:
    """What one seller delivers."""

    id: UUID
    seller: UUID
    seller_name: Texts
    state: OrderState
    goods: Money
    lines: Sequence[OrderLine]
    shipping: Money
    commission: Money
    """The house's part of the goods."""
    method: str = PICKUP
    due: tuple[date, date] | None = None
    """When it arrives: the first and the last day."""
    shipping_back: int = 0
    """How much of the shipping was given back."""
    completed_at: datetime | None = None
    version: int = 1

    @property
    def total(self) -> Money:
        return self.goods + self.shipping


@dataclass(frozen=True, slots=True)
class Purchase:
    """What one person bought at one moment."""

    id: UUID
    person: UUID
    organisation: UUID | None
    placed_at: datetime
    total: Money
    orders: Sequence[SellerOrder]
    number: str = ""
    """What people call it: the day and six letters."""
    state: PurchaseState = "received"
    method: PayingMethod = "card"
    locale: str = "ko"
    hold: UUID | None = None
    destination: Destination | None = None
    version: int = 1

    @property
    def goods(self) -> Money:
        return Money(sum(order.goods.minor for order in self.orders), self.total.currency)

    @property
    def shipping(self) -> Money:
        return Money(sum(order.shipping.minor for order in self.orders), self.total.currency)

    def of(self, order: UUID) -> SellerOrder | None:
        """One of its orders."""
        return next((one for one in self.orders if one.id == order), None)


class Purchases(Protocol):
    """What was bought. A person finds their own alone."""

    async def place(self, tx: Transaction, bought: Purchase) -> None:
        """Write a purchase with its orders and their first events."""

    async def find(self, tx: Transaction, ident: UUID, person: UUID) -> Purchase | None:
        """One purchase of this person; None for one that is somebody else's, or nobody's."""

    async def of(
        self, tx: Transaction, person: UUID, *, limit: int = 50, before: UUID | None = None
    ) -> Sequence[Purchase]:
        """A person's purchases, the newest first; those before one of them."""

    async def lock(self, tx: Transaction, ident: UUID) -> Purchase | None:
        """One, whoever's it is, locked with its orders until the transaction ends."""

    async def of_order(self, tx: Transaction, order: UUID) -> UUID | None:
        """The purchase of a seller's order."""

    async def for_seller(
        self, tx: Transaction, seller: UUID, *, state: str | None = None, before: UUID | None = None, limit: int = 50
    ) -> Sequence[Purchase]:
        """The paid orders of one seller, the newest first, each purchase with that order alone."""

    async def move(self, tx: Transaction, bought: Purchase, to: PurchaseState, *, hold: UUID | None = None) -> None:
        """Change the state of a locked purchase. Raises `NOT_NOW`."""

    async def move_order(
        self,
        tx: Transaction,
        order: SellerOrder,
        to: OrderState,
        now: datetime,
        *,
        actor: UUID | None,
        note: str = "",
    ) -> None:
        """Change the state of a locked order, with its event. Raises `NOT_NOW`."""

    async def count(
        self, tx: Transaction, order: UUID, field: str, lines: Sequence[Taken], *, shipping: int = 0
    ) -> None:
        """Count what was `shipped`, `cancelled` or `returned` of a locked order, and shipping that is given back."""

    async def note(
        self,
        tx: Transaction,
        order: UUID,
        kind: Literal["shipment", "cancellation"],
        subject: UUID,
        states: tuple[str | None, str],
        now: datetime,
        *,
        actor: UUID | None,
        note: str = "",
    ) -> None:
        """Write an event of something that belongs to an order."""

    async def events(self, tx: Transaction, orders: Sequence[UUID]) -> Sequence[Mapping[str, object]]:
        """What happened to these orders, the oldest first."""

    async def overdue(self, tx: Transaction, now: datetime) -> Purchase | None:
        """One whose hold ran out unpaid, locked; what others have locked is theirs."""


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


def called(bought: Purchase, locale: str) -> str:
    """What people call it: the first thing, and how many others."""
    names = [line.name.get(locale) or line.name["ko"] for order in bought.orders for line in order.lines]
    more = len(names) - 1
    if not more:
        return names[0]
    return f"{names[0]} 외 {more}건" if locale == "ko" else f"{names[0]} and {more} more"
