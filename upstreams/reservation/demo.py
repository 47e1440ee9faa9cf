"""The demo shop in reservation: what can be reserved, and how many."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from config.clock import SystemClock
from config.connections import Transaction, open_database
from config.settings import Settings
from upstreams.door.demo_shop import CAUSE, DemoShop, demo_shop, ident
from upstreams.reservation.storage.offers import StoredOffers
from upstreams.reservation.storage.tables import sku, trade
from upstreams.trade.storage.stock import StoredStock

TYPE = "reservation"


async def load(settings: Settings) -> None:
    """Bring the demo in; what is there already stays as it is."""
    database = open_database(settings, "reservation")
    try:
        async with database.begin() as tx:
            await bring(tx, demo_shop(), SystemClock().now())
    finally:
        await database.dispose()


async def bring(tx: Transaction, shop: DemoShop, now: datetime) -> None:
    """What can be reserved, and its stock."""
    slots = [one for one in shop.products if one.type == TYPE]
    places = {one.code: one.warehouse for one in shop.sellers}
    await tx.execute(
        insert(sku)
        .values(
            [
                {
                    "code": one.sku,
                    "product": ident("product", one.code),
                    "name": one.name,
                    "starts_at": one.starts_at,
                    "ends_at": one.ends_at,
                    "currency": "KRW",
                    "price": one.price,
                    "payment": one.payment,
                    "deadlines": one.deadlines,
                }
                for one in slots
            ]
        )
        .on_conflict_do_nothing()
    )
    await tx.execute(
        insert(sku)
        .values(
            [
                {
                    "code": one.sku,
                    "product": ident("place", one.sku),
                    "name": one.name,
                    "starts_at": one.starts_at,
                    "ends_at": one.ends_at,
                    "currency": "KRW",
                    "price": one.price,
                    "kind": "seated" if one.rows else "resource",
                    "unit_minutes": one.unit_minutes,
                }
                for one in shop.places
            ]
        )
        .on_conflict_do_nothing()
    )
    await tx.execute(
        insert(trade.warehouse)
        .values([{"code": place.code, "name": place.name} for place in places.values()])
        .on_conflict_do_nothing()
    )
    stock = [(one.sku, places[one.seller].code, one.stock) for one in slots]
    stock += [(one.sku, places[one.seller].code, len(one.labels)) for one in shop.places if one.rows]
    await StoredStock(trade).receive(tx, CAUSE, stock, now)
    for place in shop.places:
        await StoredOffers().seat(tx, place.sku, place.labels)
