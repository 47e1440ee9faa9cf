"""What an order would be: seller by seller, how it is delivered, what that costs; then the order itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy
from upstreams.commerce.catalogue import Offer, Texts
from upstreams.commerce.ledger.split import commission_of
from upstreams.commerce.ordering.purchase import (
    Destination,
    OrderLine,
    PayingMethod,
    Purchase,
    SellerOrder,
    Wanted,
)
from upstreams.commerce.shipping.rates import COLLECTED, LIGHTEST, PICKUP, Method, fee
from upstreams.trade.allocation import Line, Shelf, allocate, basket_of
from upstreams.trade.money import Money

SEOUL = timezone(timedelta(hours=9))
"""Days are counted where the shop is; Korea keeps one time all year."""
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class SellerTerms:
    """On which terms a seller sells at this moment."""

    seller: UUID
    kind: str
    """`house` or `vendor`."""
    commission: int
    """Basis points."""
    methods: Sequence[Method]
    """How it delivers, its first choice first; collecting is always among them."""

    def method(self, code: str | None) -> Method | None:
        """One of them; the first where none is named."""
        return next((one for one in self.methods if code in (None, one.code)), None)


class Terms(Protocol):
    """On which terms sellers sell."""

    async def of(self, tx: Transaction, sellers: Sequence[UUID]) -> Mapping[UUID, SellerTerms]:
        """The terms of each of these."""

    async def weights(self, tx: Transaction, skus: Sequence[str]) -> Mapping[str, int]:
        """Grams, as far as they are known."""

    async def region(self, tx: Transaction, postcode: str) -> str | None:
        """The region of a postcode; None for the mainland."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody chose: where to, how of each seller, how they pay, what they were shown and agreed to."""

    methods: Mapping[UUID, str]
    destination: Destination | None = None
    paying: PayingMethod = "card"
    agreed: int | None = None
    """The total that they saw, in minor units."""
    locale: str = "ko"


COLLECT_ALL = Choices({})
"""Everything is collected at its seller's."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way of delivery, with what it costs here and when it arrives."""

    method: Method
    fee: Money
    due: tuple[date, date]


@dataclass(frozen=True, slots=True)
class Part:
    """What one seller would deliver."""

    seller: UUID
    seller_name: Texts
    kind: str
    items: Sequence[tuple[Offer, int]]
    goods: Money
    options: Sequence[Option]
    chosen: Option

    @property
    def total(self) -> Money:
        return self.goods + self.chosen.fee


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order would be, whole."""

    parts: Sequence[Part]

    @property
    def goods(self) -> Money:
        return Money(sum(part.goods.minor for part in self.parts), self.parts[0].goods.currency)

    @property
    def shipping(self) -> Money:
        return Money(sum(part.chosen.fee.minor for part in self.parts), self.parts[0].goods.currency)

    @property
    def total(self) -> Money:
        return self.goods + self.shipping


class NotDelivered(Exception):
    """A seller does not deliver like that, or there is no address."""


def not_offered(wanted: Wanted, offers: Sequence[Offer]) -> bool:
    """Whether something that is wanted is not sold here and now, or not in one currency."""
    sold = {offer.id for offer in offers if offer.orderable}
    return set(wanted) != sold or len({offer.price.currency for offer in offers}) != 1


def quote(
    wanted: Wanted,
    offers: Sequence[Offer],
    terms: Mapping[UUID, SellerTerms],
    weights: Mapping[str, int],
    region: str | None,
    choices: Choices,
    now: datetime,
    *,
    collected: bool = False,
) -> Quote:
    """The order seller by seller, in the order of their ids. `collected`: who names no way collects it.

    Raises `NotDelivered`.
    """
    today = now.astimezone(SEOUL).date()
    parts = []
    for seller in sorted({offer.seller for offer in offers}):
        its = [(offer, wanted[offer.id]) for offer in offers if offer.seller == seller]
        currency = its[0][0].price.currency
        goods = sum(offer.price.minor * count for offer, count in its)
        grams = sum(weights.get(offer.sku, LIGHTEST) * count for offer, count in its)
        options = [
            Option(one, Money(fee(one, region, goods, grams), currency), one.days(today))
            for one in terms[seller].methods
        ]
        code = choices.methods.get(seller, PICKUP if collected else None)
        chosen = next((one for one in options if code in (None, one.method.code)), None)
        if chosen is None:
            raise NotDelivered(code)
        parts.append(
            Part(seller, its[0][0].seller_name, terms[seller].kind, its, Money(goods, currency), options, chosen)
        )
    return Quote(parts)


def plan(
    quoted: Quote,
    shelves: Sequence[Shelf],
    owners: Mapping[str, UUID],
    terms: Mapping[UUID, SellerTerms],
    choices: Choices,
    *,
    ident: UUID,
    person: UUID,
    organisation: UUID | None,
    now: datetime,
    entropy: Entropy,
) -> Purchase | None:
    """The purchase, or None where one line of one seller cannot be had: all or nothing.

    `shelves` are locked; `owners` says whose warehouse each stands in. Raises `NotDelivered` where there is no address.
    """
    orders = []
    for part in quoted.parts:
        if part.chosen.method.needs_address and choices.destination is None:
            raise NotDelivered("no address")
        its = {offer.sku: offer for offer, _ in part.items}
        basket = basket_of(part.seller, [Line(offer.sku, count) for offer, count in part.items])
        outcome = allocate([basket], [shelf for shelf in shelves if owners.get(shelf.warehouse) == part.seller])[0]
        if outcome.refusal is not None:
            return None
        lines = [
            OrderLine(its[taken.sku].id, its[taken.sku].name, taken, its[taken.sku].price) for taken in outcome.taken
        ]
        orders.append(
            SellerOrder(
                entropy.uuid(),
                part.seller,
                part.seller_name,
                "received",
                part.goods,
                lines,
                part.chosen.fee,
                commission_of(part.goods, terms[part.seller].commission),
                part.chosen.method.code,
                part.chosen.due,
            )
        )
    return Purchase(
        ident,
        person,
        organisation,
        now,
        quoted.total,
        orders,
        number_of(ident, now),
        method=choices.paying,
        locale=choices.locale,
        hold=ident,
        destination=choices.destination,
    )


def number_of(ident: UUID, now: datetime) -> str:
    """What people call an order: its day, and six letters that are not mistaken for others."""
    rest, letters = ident.int, ""
    for _ in range(6):
        rest, letter = divmod(rest, len(_LETTERS))
        letters += _LETTERS[letter]
    return f"{now.astimezone(SEOUL):%y%m%d}-{letters}"


def with_collecting(methods: Sequence[Method]) -> Sequence[Method]:
    """A seller's ways of delivery, and collecting as the last."""
    return (*methods, COLLECTED) if all(one.code != PICKUP for one in methods) else methods
