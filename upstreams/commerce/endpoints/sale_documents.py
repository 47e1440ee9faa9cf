"""What is on sale, as the API shows it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec


class PictureShown(msgspec.Struct):
    """A picture of a product on sale."""

    address: str
    width: int
    height: int
    alt: dict[str, str]


class SellerNamed(msgspec.Struct):
    """Who sells it."""

    id: UUID
    name: dict[str, str]


class OfferOnSale(msgspec.Struct):
    """One seller's offer of one combination. `available`: None where another service counts."""

    id: UUID
    sku: str
    options: dict[str, str]
    seller: SellerNamed
    currency: str
    price: int
    available: int | None


class ProductOnSale(msgspec.Struct):
    """A product that can be bought or reserved now."""

    id: UUID
    code: str
    type: str
    name: dict[str, str]
    description: dict[str, str]
    category: str | None
    attributes: dict[str, Any]
    pictures: list[PictureShown]
    offers: list[OfferOnSale]


class ProductsOnSale(msgspec.Struct):
    """Products by their codes."""

    products: list[ProductOnSale]
    next: str | None


class LeftOfOffer(msgspec.Struct):
    """What is left of an offer."""

    id: UUID
    available: int | None


class LeftOfOffers(msgspec.Struct):
    """What is left of offers."""

    offers: list[LeftOfOffer]


class FacetValue(msgspec.Struct):
    """A value that can be filtered by. `count`: of at least so many results where there are `more`."""

    value: str
    label: dict[str, str]
    count: int
    taken: bool


class FacetShown(msgspec.Struct):
    """What can be filtered by: `category`, `seller`, `price` (a band), `available`, `a.NAME`, `o.NAME`."""

    group: str
    label: dict[str, str]
    values: list[FacetValue]


class SearchResults(msgspec.Struct):
    """A page of what was found. `corrected`: what was searched for, where nothing is called as it was typed."""

    products: list[ProductOnSale]
    total: int
    more: bool
    corrected: str | None
    facets: list[FacetShown]
    next: str | None


class Suggestions(msgspec.Struct):
    """How a text may go on."""

    suggestions: list[str]
