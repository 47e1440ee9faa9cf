"""The catalogue in PostgreSQL, with live stock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa

from config.connections import Transaction
from upstreams.commerce.catalogue import SALE, Offer, Product
from upstreams.commerce.storage.tables import offer, product, product_state, seller, sku, trade
from upstreams.trade.money import Money


class StoredCatalogue:
    """`commerce.catalogue.Catalogue` in schema `commerce`."""

    async def products(self, tx: Transaction) -> Sequence[Product]:
        """Every product on sale with its offers, in the order of their codes."""
        query = _offers().add_columns(product.c.code, product.c.description, product.c.picture)
        found: dict[UUID, Product] = {}
        offers: dict[UUID, list[Offer]] = {}
        for row in await tx.execute(query.order_by(product.c.code, sku.c.code, offer.c.id)):
            its = offers.setdefault(row.product, [])
            its.append(_offer(row))
            if row.product not in found:
                found[row.product] = Product(
                    row.product, row.code, row.product_type, row.name, row.description, row.picture, its
                )
        return list(found.values())

    async def offers(self, tx: Transaction, idents: Collection[UUID]) -> Sequence[Offer]:
        """These offers, as far as they stand."""
        return [_offer(row) for row in await tx.execute(_offers().where(offer.c.id.in_(idents)))]

    async def warehouses(self, tx: Transaction, sellers: Collection[UUID]) -> dict[str, UUID]:
        """The warehouses of sellers: code to seller."""
        query = sa.select(trade.warehouse.c.code, trade.warehouse.c.seller).where(trade.warehouse.c.seller.in_(sellers))
        return {row.code: row.seller for row in await tx.execute(query)}


def _offers() -> sa.Select[tuple[object, ...]]:
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
            product.c.name,
            product.c.currency,
            seller.c.id.label("seller"),
            seller.c.name.label("seller_name"),
            sa.func.coalesce(offer.c.price, sku.c.price, product.c.base_price).label("price"),
            sa.case((product.c.type == SALE, available)).label("available"),
        )
        .select_from(
            offer.join(seller, seller.c.id == offer.c.seller)
            .join(sku, sku.c.code == offer.c.sku)
            .join(product, product.c.id == sku.c.product)
            .join(product_state, product_state.c.code == product.c.state)
        )
        .where(offer.c.active, seller.c.active, sku.c.active, product_state.c.sellable)
    )


def _offer(row: sa.Row[tuple[object, ...]]) -> Offer:
    return Offer(
        id=row.id,
        sku=row.sku,
        product=row.product,
        product_type=row.product_type,
        name=row.name,
        seller=row.seller,
        seller_name=row.seller_name,
        price=Money(row.price, row.currency),
        available=None if row.available is None else int(row.available),
    )
