"""What the shop offers: who sells which SKU, at which price, and how many are left."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from upstreams.trade.money import Money

Texts = Mapping[str, str]
"""One text per language, `ko` and `en`."""

SALE = "sale"
"""The product type that is sold at once, from commerce's own stock."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One seller's offer of one SKU, as it stands now."""

    id: UUID
    sku: str
    product: UUID
    product_type: str
    name: Texts
    seller: UUID
    seller_name: Texts
    price: Money
    available: int | None
    """What is left in the seller's warehouses; None where another service keeps the stock."""


@dataclass(frozen=True, slots=True)
class Product:
    """One product with its offers."""

    id: UUID
    code: str
    type: str
    name: Texts
    description: Texts
    picture: str
    offers: Sequence[Offer]

    @property
    def best(self) -> Offer:
        """The cheapest offer that can be had; the cheapest of all where none can."""
        return min(self.offers, key=lambda offer: (offer.available == 0, offer.price.minor, str(offer.id)))


class Catalogue(Protocol):
    """What can be bought now: active offers of sellable products by active sellers."""

    async def products(self, tx: Transaction) -> Sequence[Product]:
        """Every product on sale with its offers, in the order of their codes."""

    async def offers(self, tx: Transaction, idents: Collection[UUID]) -> Sequence[Offer]:
        """These offers, as far as they stand."""

    async def warehouses(self, tx: Transaction, sellers: Collection[UUID]) -> Mapping[str, UUID]:
        """The warehouses of sellers: code to seller."""
