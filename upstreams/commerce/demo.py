"""The demo shop in commerce: sellers, products on sale, offers, stock of what is sold at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from config.clock import SystemClock
from config.connections import Transaction, open_database
from config.settings import Settings
from upstreams.commerce.catalogue import SALE
from upstreams.commerce.search.indexing import bring_up_to_date
from upstreams.commerce.storage.index import StoredIndex
from upstreams.commerce.storage.order_tables import (
    seller_member,
    seller_terms,
    shipping_method,
    shipping_rule,
    sku_weight,
)
from upstreams.commerce.storage.product_tables import category
from upstreams.commerce.storage.tables import offer, product, product_event, seller, sku, trade
from upstreams.door.demo_shop import CAUSE, DemoShop, demo_shop, ident
from upstreams.trade.storage.stock import StoredStock


async def load(settings: Settings) -> None:
    """Bring the demo in; what is there already stays as it is."""
    database = open_database(settings, "commerce")
    try:
        async with database.begin() as tx:
            await bring(tx, demo_shop(), SystemClock().now())
    finally:
        await database.dispose()


async def bring(tx: Transaction, shop: DemoShop, now: datetime) -> None:
    """Sellers, products with their life so far, offers and stock."""
    await _missing(
        tx,
        seller,
        [
            {"id": ident("seller", one.code), "code": one.code, "kind": one.kind, "name": one.name, "created_at": now}
            for one in shop.sellers
        ],
    )
    await _missing(
        tx,
        trade.warehouse,
        [
            {"code": one.warehouse.code, "seller": ident("seller", one.code), "name": one.warehouse.name}
            for one in shop.sellers
        ],
    )
    await _missing(
        tx,
        category,
        [
            {"code": one.code, "parent": one.parent, "name": one.name, "position": place, "version": 1}
            for place, one in enumerate(shop.categories)
        ],
    )
    fresh = await _missing(
        tx,
        product,
        [
            {
                "id": ident("product", one.code),
                "code": one.code,
                "type": one.type,
                "category": one.category,
                "state": "on_sale",
                "name": one.name,
                "description": one.description,
                "picture": one.picture,
                "currency": "KRW",
                "base_price": one.price,
                "launched_at": now,
                "created_at": now,
            }
            for one in shop.products
        ],
    )
    if fresh:
        await tx.execute(
            sa.insert(product_event),
            [{"product": row[0], "to_state": "on_sale", "notes": "demo", "at": now} for row in fresh],
        )
    await _missing(tx, sku, [{"code": one.sku, "product": ident("product", one.code)} for one in shop.products])
    await _missing(
        tx,
        offer,
        [
            {
                "id": ident("offer", f"{one.seller}:{one.sku}"),
                "seller": ident("seller", one.seller),
                "sku": one.sku,
            }
            for one in shop.products
        ],
    )
    await _terms(tx, shop, now)
    places = {one.code: one.warehouse.code for one in shop.sellers}
    await StoredStock(trade).receive(
        tx,
        CAUSE,
        [(one.sku, places[one.seller], one.stock) for one in shop.products if one.type == SALE],
        now,
    )
    index, fresh_documents = StoredIndex(), 0
    while done := await bring_up_to_date(tx, index, limit=200):
        fresh_documents += done
    if fresh_documents:
        await index.count(tx, now)


async def _terms(tx: Transaction, shop: DemoShop, now: datetime) -> None:
    """What the house takes of each seller, who acts for it, how it delivers, what things weigh."""
    sellers = [(ident("seller", one.code), one) for one in shop.sellers]
    await _missing(
        tx, seller_terms, [{"seller": key, "commission": one.commission, "version": 1} for key, one in sellers]
    )
    await _missing(
        tx,
        seller_member,
        [{"seller": key, "person": person, "since": now} for key, one in sellers for person in one.people],
    )
    ways = [(key, place, way) for key, one in sellers for place, way in enumerate(one.delivery)]
    await _missing(
        tx,
        shipping_method,
        [
            {
                "seller": key,
                "code": way.code,
                "name": way.name,
                "days_min": way.days[0],
                "days_max": way.days[1],
                "position": place,
                "active": True,
            }
            for key, place, way in ways
        ],
    )
    rules = [
        {
            "seller": key,
            "method": way.code,
            "region": rule.region,
            "from_grams": rule.from_grams,
            "fee": rule.fee,
            "free_from": rule.free_from,
        }
        for key, _, way in ways
        for rule in way.rules
    ]
    await tx.execute(insert(shipping_rule).values(rules).on_conflict_do_nothing())
    await _missing(
        tx, sku_weight, [{"sku": one.sku, "grams": one.grams} for one in shop.products if one.grams is not None]
    )


async def _missing(tx: Transaction, table: sa.Table, values: list[dict[str, Any]]) -> list[Any]:
    """Insert what is not there yet, and answer the keys of what was."""
    key = next(iter(table.primary_key))
    inserted = await tx.execute(insert(table).values(values).on_conflict_do_nothing().returning(key))
    return list(inserted.all())
