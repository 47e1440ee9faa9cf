"""What the shop offers: who sells which SKU, at which price, and how many are left."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
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
    """What is left in the seller's warehouses; None where another service keeps the stock, or nobody counts."""
    option_key: str = ""
    """Which combination of options it is: `color=red;size=m`; empty where there is nothing to choose."""
    strategy: str = "real_time_sale"
    """How its type is sold (`upstreams.commerce.catalogue.types`)."""
    orderable: bool = True
    """It is ordered here, from commerce's own stock."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a product, and what it shows for those who do not see it."""

    digest: str
    """SHA-256 of its bytes, in hexadecimal: its address."""
    width: int
    height: int
    alt: Texts


@dataclass(frozen=True, slots=True)
class Product:
    """One product with its offers."""

    id: UUID
    code: str
    type: str
    name: Texts
    description: Texts
    picture: str
    """The name of a drawn picture, for where there is none of `pictures`."""
    offers: Sequence[Offer]
    category: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()

    @property
    def best(self) -> Offer:
        """The cheapest offer that can be had; the cheapest of all where none can."""
        return min(self.offers, key=lambda offer: (offer.available == 0, offer.price.minor, str(offer.id)))


class Catalogue(Protocol):
    """What can be bought now: active offers of sellable products by active sellers."""

    async def products(
        self, tx: Transaction, idents: Collection[UUID] | None = None, *, limit: int = 100, after: str = ""
    ) -> Sequence[Product]:
        """Products on sale with their offers, in the order of their codes: these, or so many that come after a code."""

    async def product(self, tx: Transaction, code: str) -> Product | None:
        """One product on sale; None for one that is not."""

    async def offers(self, tx: Transaction, idents: Collection[UUID]) -> Sequence[Offer]:
        """These offers, as far as they stand."""

    async def warehouses(self, tx: Transaction, sellers: Collection[UUID]) -> Mapping[str, UUID]:
        """The warehouses of sellers: code to seller."""
