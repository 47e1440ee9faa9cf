"""Purchases in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from config.connections import Transaction
from upstreams.commerce.catalogue import SALE
from upstreams.commerce.ordering import OrderLine, Purchase, SellerOrder
from upstreams.commerce.storage.tables import order_event, order_line, purchase, seller, seller_order
from upstreams.trade.allocation import Taken
from upstreams.trade.money import Money


class StoredPurchases:
    """`commerce.ordering.Purchases` in schema `commerce`."""

    async def place(self, tx: Transaction, bought: Purchase) -> None:
        """Write a purchase with its orders and their first events."""
        await tx.execute(
            sa.insert(purchase).values(
                id=bought.id,
                person=bought.person,
                organisation=bought.organisation,
                kind=SALE,
                currency=bought.total.currency,
                total=bought.total.minor,
                placed_at=bought.placed_at,
            )
        )
        for order in bought.orders:
            await tx.execute(
                sa.insert(seller_order).values(
                    id=order.id,
                    purchase=bought.id,
                    seller=order.seller,
                    state=order.state,
                    goods=order.goods.minor,
                    shipping=0,
                )
            )
            await tx.execute(
                sa.insert(order_event).values(
                    seller_order=order.id, to_state=order.state, actor=bought.person, at=bought.placed_at
                )
            )
        await tx.execute(
            sa.insert(order_line),
            [
                {
                    "seller_order": order.id,
                    "offer": line.offer,
                    "sku": line.taken.sku,
                    "warehouse": line.taken.warehouse,
                    "quantity": line.taken.quantity,
                    "unit_price": line.unit_price.minor,
                    "name": dict(line.name),
                }
                for order in bought.orders
                for line in order.lines
            ],
        )

    async def find(self, tx: Transaction, ident: UUID, person: UUID) -> Purchase | None:
        """One purchase of this person; None for one that is somebody else's, or nobody's."""
        found = await self._read(tx, purchase.c.id == ident, purchase.c.person == person)
        return found[0] if found else None

    async def of(self, tx: Transaction, person: UUID, *, limit: int = 50) -> Sequence[Purchase]:
        """A person's purchases, the newest first."""
        newest = (
            sa.select(purchase.c.id)
            .where(purchase.c.person == person)
            .order_by(purchase.c.placed_at.desc())
            .limit(limit)
        )
        return await self._read(tx, purchase.c.id.in_(newest))

    async def _read(self, tx: Transaction, *where: sa.ColumnElement[bool]) -> list[Purchase]:
        query = (
            sa.select(
                purchase.c.id,
                purchase.c.person,
                purchase.c.organisation,
                purchase.c.placed_at,
                purchase.c.total,
                purchase.c.currency,
                seller_order.c.id.label("order"),
                seller_order.c.state,
                seller_order.c.goods,
                seller.c.id.label("seller"),
                seller.c.name.label("seller_name"),
                order_line.c.offer,
                order_line.c.sku,
                order_line.c.warehouse,
                order_line.c.quantity,
                order_line.c.unit_price,
                order_line.c.name,
            )
            .select_from(
                purchase.join(seller_order, seller_order.c.purchase == purchase.c.id)
                .join(seller, seller.c.id == seller_order.c.seller)
                .join(order_line, order_line.c.seller_order == seller_order.c.id)
            )
            .where(*where)
            .order_by(purchase.c.placed_at.desc(), purchase.c.id, seller_order.c.id, order_line.c.sku)
        )
        purchases: dict[UUID, Purchase] = {}
        orders: dict[UUID, list[SellerOrder]] = {}
        lines: dict[UUID, list[OrderLine]] = {}
        for row in await tx.execute(query):
            if row.id not in purchases:
                purchases[row.id] = Purchase(
                    row.id,
                    row.person,
                    row.organisation,
                    row.placed_at,
                    Money(row.total, row.currency),
                    orders.setdefault(row.id, []),
                )
            if row.order not in lines:
                orders[row.id].append(
                    SellerOrder(
                        row.order,
                        row.seller,
                        row.seller_name,
                        row.state,
                        Money(row.goods, row.currency),
                        lines.setdefault(row.order, []),
                    )
                )
            lines[row.order].append(
                OrderLine(
                    row.offer,
                    row.name,
                    Taken(row.sku, row.warehouse, row.quantity),
                    Money(row.unit_price, row.currency),
                )
            )
        return list(purchases.values())
