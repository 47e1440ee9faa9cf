"""Products as their administration asks for them and shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from upstreams.commerce.catalogue.editing import EditedProduct, SellerOffer
from upstreams.commerce.catalogue.options import Category, Value, Variant, chosen_in, price_of
from upstreams.commerce.catalogue.pictures import Placed

Code = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]
OptionCode = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,31}$")]
SkuCode = Annotated[str, msgspec.Meta(pattern="^[A-Z0-9][A-Z0-9-]{1,39}$")]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Note = Annotated[str, msgspec.Meta(max_length=2000)]
Price = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000_000)]


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """A short text in both languages."""

    ko: Line
    en: Line


class SaidAtLength(msgspec.Struct, forbid_unknown_fields=True):
    """A longer text in both languages."""

    ko: Note
    en: Note


class AskedProduct(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A product as it is to be."""

    type: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_]{0,31}$")]
    name: Said
    description: SaidAtLength
    base_price: Price
    currency: Annotated[str, msgspec.Meta(pattern="^(KRW|JPY|USD|EUR)$")] = "KRW"
    picture: Annotated[str, msgspec.Meta(pattern="^[a-z]{0,20}$")] = ""
    category: Code | None = None
    attributes: dict[str, Any] = {}
    seller: Code | None = None
    """Whose it is to look after; a vendor's own products are always its own."""


class NewProduct(AskedProduct, forbid_unknown_fields=True, kw_only=True):
    """A product that is not there yet; its life begins with planning."""

    code: Code
    notes: Note = ""


class AskedValue(msgspec.Struct, forbid_unknown_fields=True):
    """A value of an option category."""

    code: OptionCode
    name: Said
    surcharge: Price = 0


class AskedCategory(msgspec.Struct, forbid_unknown_fields=True):
    """What can be chosen."""

    code: OptionCode
    name: Said
    values: Annotated[list[AskedValue], msgspec.Meta(min_length=1, max_length=60)]


class AskedOptions(msgspec.Struct, forbid_unknown_fields=True):
    """All that can be chosen of a product, in its order."""

    categories: Annotated[list[AskedCategory], msgspec.Meta(max_length=5)]

    def read(self) -> list[Category]:
        """As the catalogue knows them."""
        return [
            Category(
                one.code,
                msgspec.to_builtins(one.name),
                [Value(each.code, msgspec.to_builtins(each.name), each.surcharge) for each in one.values],
            )
            for one in self.categories
        ]


class AskedVariant(msgspec.Struct, forbid_unknown_fields=True):
    """An SKU: one value of each option category."""

    options: dict[OptionCode, OptionCode] = {}
    price: Price | None = None
    """Its own price; None: base price and surcharges."""
    active: bool = True


class AskedCombinations(msgspec.Struct, forbid_unknown_fields=True):
    """An SKU for every combination that has none: `PREFIX-RED-M`."""

    prefix: Annotated[str, msgspec.Meta(pattern="^[A-Z0-9][A-Z0-9-]{0,19}$")]


class AskedOffer(msgspec.Struct, forbid_unknown_fields=True):
    """What a seller asks for an SKU."""

    price: Price | None = None
    active: bool = True
    seller: Code | None = None
    """For whom an administrator says it; the house where nothing is said."""


class VariantDocument(msgspec.Struct):
    """An SKU as it is."""

    sku: str
    option_key: str
    options: dict[str, str]
    price: int | None
    costs: int
    active: bool


class ProductDocument(msgspec.Struct):
    """A product as it is."""

    id: UUID
    code: str
    type: str
    state: str
    name: dict[str, str]
    description: dict[str, str]
    picture: str
    currency: str
    base_price: int
    attributes: dict[str, Any]
    category: str | None
    seller: UUID | None
    version: int
    created_at: datetime


class ProductPage(msgspec.Struct):
    """Products in the order of their codes."""

    products: list[ProductDocument]
    next: str | None


class OptionsDocument(msgspec.Struct):
    """What can be chosen, and the SKUs of it."""

    categories: list[AskedCategory]
    skus: list[VariantDocument]


class MadeSkus(msgspec.Struct):
    """SKUs that are new."""

    skus: list[str]


class OfferDocument(msgspec.Struct):
    """A seller's offer."""

    id: UUID
    seller: UUID
    seller_name: dict[str, str]
    sku: str
    price: int | None
    active: bool
    version: int


class OfferPage(msgspec.Struct):
    """Offers of a product."""

    offers: list[OfferDocument]


class PictureDocument(msgspec.Struct):
    """A picture of a product."""

    id: UUID
    address: str
    position: int
    width: int
    height: int
    alt: dict[str, str]


class PicturePage(msgspec.Struct):
    """Pictures in their order."""

    pictures: list[PictureDocument]


def product_document(product: EditedProduct) -> ProductDocument:
    """What is shown of a product."""
    return msgspec.convert(product, ProductDocument, from_attributes=True)


def options_document(product: EditedProduct, categories: list[Category], variants: list[Variant]) -> OptionsDocument:
    """What is shown of its options."""
    skus = [
        VariantDocument(
            one.sku,
            one.option_key,
            chosen_in(one.option_key),
            one.price,
            _costs(product, one, categories),
            one.active,
        )
        for one in variants
    ]
    return OptionsDocument(msgspec.convert(categories, list[AskedCategory], from_attributes=True), skus)


def _costs(product: EditedProduct, variant: Variant, categories: list[Category]) -> int:
    try:
        return price_of(product.base_price, variant.price, categories, chosen_in(variant.option_key))
    except KeyError:  # off sale, and one of its options is gone
        return product.base_price


def offer_document(offer: SellerOffer) -> OfferDocument:
    """What is shown of an offer."""
    return msgspec.convert(offer, OfferDocument, from_attributes=True)


def picture_document(placed: Placed) -> PictureDocument:
    """What is shown of a picture."""
    address = f"/pictures/{placed.digest.hex()}"
    return PictureDocument(placed.id, address, placed.position, placed.width, placed.height, dict(placed.alt))
