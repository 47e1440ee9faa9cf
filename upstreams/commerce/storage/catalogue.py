"""The catalogue in PostgreSQL, with live stock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa

from config.connections import Transaction
from upstreams.commerce.catalogue.offers import Offer, Picture, Product
from upstreams.commerce.catalogue.types import Strategies
from upstreams.commerce.storage.product_tables import option_value, picture, product_picture, sku_option
from upstreams.commerce.storage.tables import offer, product, product_state, product_type, seller, sku, trade
from upstreams.trade.money import Money


class StoredCatalogue:
    """`commerce.catalogue.Catalogue` in schema `commerce`."""

    def __init__(self, strategies: Strategies | None = None) -> None:
        self._strategies = strategies or Strategies()

    async def products(
        self, tx: Transaction, idents: Collection[UUID] | None = None, *, limit: int = 100, after: str = ""
    ) -> Sequence[Product]:
        """Products on sale with their offers, in the order of their codes: these, or so many that come after a code."""
        if idents is not None:
            return await self._read(tx, product.c.id.in_(idents)) if idents else []
        # which ones is decided first, so that a large catalogue costs no more than its page
        offered = sa.exists().where(
            sku.c.product == product.c.id, offer.c.sku == sku.c.code, seller.c.id == offer.c.seller, *_STANDS
        )
        page = (
            sa.select(product.c.id)
            .join(product_state, product_state.c.code == product.c.state)
            .where(product_state.c.sellable, product.c.code > after, offered)
            .order_by(product.c.code)
            .limit(limit)
        )
        return await self._read(tx, product.c.id.in_((await tx.scalars(page)).all()))

    async def product(self, tx: Transaction, code: str) -> Product | None:
        """One product on sale; None for one that is not."""
        found = await self._read(tx, product.c.code == code)
        return found[0] if found else None

    async def offers(self, tx: Transaction, idents: Collection[UUID]) -> Sequence[Offer]:
        """These offers, as far as they stand."""
        return [self._offer(row) for row in await tx.execute(self._sold().where(offer.c.id.in_(idents)))]

    async def warehouses(self, tx: Transaction, sellers: Collection[UUID]) -> dict[str, UUID]:
        """The warehouses of sellers: code to seller."""
        query = sa.select(trade.warehouse.c.code, trade.warehouse.c.seller).where(trade.warehouse.c.seller.in_(sellers))
        return {row.code: row.seller for row in await tx.execute(query)}

    async def _read(self, tx: Transaction, *where: sa.ColumnElement[bool]) -> list[Product]:
        query = (
            self._sold()
            .add_columns(
                product.c.code, product.c.description, product.c.picture, product.c.category, product.c.attributes
            )
            .where(*where)
            .order_by(product.c.code, sku.c.code, offer.c.id)
        )
        rows = (await tx.execute(query)).all()
        pictures = await _pictures(tx, {row.product for row in rows})
        found: dict[UUID, Product] = {}
        offers: dict[UUID, list[Offer]] = {}
        for row in rows:
            its = offers.setdefault(row.product, [])
            its.append(self._offer(row))
            if row.product not in found:
                found[row.product] = Product(
                    id=row.product,
                    code=row.code,
                    type=row.product_type,
                    name=row.name,
                    description=row.description,
                    picture=row.picture,
                    offers=its,
                    category=row.category,
                    attributes=row.attributes,
                    pictures=pictures.get(row.product, ()),
                )
        return list(found.values())

    def _sold(self) -> sa.Select[tuple[object, ...]]:
        # a type may name a strategy that only a newer process knows: here it is not sold yet
        return offers_now().where(product_type.c.strategy.in_(self._strategies.codes))

    def _offer(self, row: sa.Row[tuple[object, ...]]) -> Offer:
        strategy = self._strategies.of(row.strategy)
        return Offer(
            id=row.id,
            sku=row.sku,
            product=row.product,
            product_type=row.product_type,
            name=row.name,
            seller=row.seller,
            seller_name=row.seller_name,
            price=Money(row.price, row.currency),
            available=int(row.available) if strategy.counted == "here" else None,
            option_key=row.option_key,
            strategy=row.strategy,
            orderable=strategy.orderable,
        )


async def _pictures(tx: Transaction, products: Collection[UUID]) -> dict[UUID, list[Picture]]:
    if not products:
        return {}
    query = (
        sa.select(
            product_picture.c.product,
            product_picture.c.digest,
            picture.c.width,
            picture.c.height,
            product_picture.c.alt,
        )
        .join(picture, picture.c.digest == product_picture.c.digest)
        .where(product_picture.c.product.in_(products))
        .order_by(product_picture.c.product, product_picture.c.position, product_picture.c.id)
    )
    found: dict[UUID, list[Picture]] = {}
    for row in await tx.execute(query):
        found.setdefault(row.product, []).append(Picture(row.digest.hex(), row.width, row.height, row.alt))
    return found


_STANDS = (offer.c.active, seller.c.active, sku.c.active)


def surcharges() -> sa.ScalarSelect[int]:
    """What the options of an SKU cost more, all together."""
    return (
        sa.select(sa.cast(sa.func.coalesce(sa.func.sum(option_value.c.surcharge), 0), sa.BigInteger))
        .select_from(sku_option.join(option_value, option_value.c.id == sku_option.c.value))
        .where(sku_option.c.sku == sku.c.code)
        .scalar_subquery()
    )


def offers_now() -> sa.Select[tuple[object, ...]]:
    """Every offer that stands, with its price and what is left in its seller's warehouses."""
    stock, warehouse = trade.stock, trade.warehouse
    available = (
        sa.select(sa.func.coalesce(sa.func.sum(stock.c.on_hand - stock.c.held - stock.c.allocated), 0))
        .select_from(stock.join(warehouse, warehouse.c.code == stock.c.warehouse))
        .where(stock.c.sku == sku.c.code, warehouse.c.seller == seller.c.id)
        .scalar_subquery()
    )
    return (
        sa.select(
            offer.c.id,
            offer.c.sku,
            product.c.id.label("product"),
            product.c.type.label("product_type"),
            product_type.c.strategy,
            product.c.name,
            product.c.currency,
            sku.c.option_key,
            seller.c.id.label("seller"),
            seller.c.name.label("seller_name"),
            sa.func.coalesce(offer.c.price, sku.c.price, product.c.base_price + surcharges()).label("price"),
            available.label("available"),
        )
        .select_from(
            offer.join(seller, seller.c.id == offer.c.seller)
            .join(sku, sku.c.code == offer.c.sku)
            .join(product, product.c.id == sku.c.product)
            .join(product_type, product_type.c.code == product.c.type)
            .join(product_state, product_state.c.code == product.c.state)
        )
        .where(*_STANDS, product_state.c.sellable)
    )
