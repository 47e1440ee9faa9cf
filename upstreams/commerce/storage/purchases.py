"""Purchases in PostgreSQL. Every change of state is an update from one state, with its event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
import sqlalchemy as sa

from config.connections import Transaction
from config.envelope import Envelope
from config.problem import Problem
from upstreams.commerce.catalogue import SALE
from upstreams.commerce.ordering.purchase import Destination, OrderLine, Purchase, SellerOrder
from upstreams.commerce.ordering.states import NOT_NOW, ORDER, PURCHASE, OrderState, PurchaseState, require
from upstreams.commerce.storage.tables import order_event, order_line, purchase, seller, seller_order, trade
from upstreams.trade.allocation import Taken
from upstreams.trade.money import Money
from upstreams.trade.storage import bulk

_PLACE = sa.text(
    """
    WITH bought AS (
        INSERT INTO commerce.purchase (id, person, organisation, kind, currency, total, placed_at, number, state,
            method, locale, hold, destination)
        VALUES (:id, :person, :organisation, :kind, :currency, :total, :placed_at, :number, CAST(:state AS text),
            :method, :locale, :hold, :destination)
    ), parts AS (
        INSERT INTO commerce.seller_order (id, purchase, seller, state, goods, shipping, method, commission, due_from,
            due_until)
        SELECT part.id, :id, part.seller, CAST(:state AS text), part.goods, part.shipping, part.method, part.commission,
            part.due_from, part.due_until
        FROM unnest(CAST(:orders AS uuid[]), CAST(:sellers AS uuid[]), CAST(:goods AS bigint[]),
            CAST(:shipping AS bigint[]), CAST(:deliveries AS text[]), CAST(:commissions AS bigint[]),
            CAST(:due_from AS date[]), CAST(:due_until AS date[]))
            AS part (id, seller, goods, shipping, method, commission, due_from, due_until)
    ), told AS (
        INSERT INTO commerce.order_event (seller_order, to_state, actor, at)
        SELECT part, CAST(:state AS text), :person, :placed_at FROM unnest(CAST(:orders AS uuid[])) AS part
    )
    INSERT INTO commerce.order_line (seller_order, offer, sku, warehouse, quantity, unit_price, name)
    SELECT line.part, line.offer, line.sku, line.warehouse, line.quantity, line.price, CAST(line.name AS jsonb)
    FROM unnest(CAST(:line_orders AS uuid[]), CAST(:offers AS uuid[]), CAST(:skus AS text[]),
        CAST(:warehouses AS text[]), CAST(:quantities AS integer[]), CAST(:prices AS bigint[]), CAST(:names AS text[]))
        AS line (part, offer, sku, warehouse, quantity, price, name)
    """
)
"""All that is written of a purchase in one statement: what it takes is held by locks meanwhile."""


def sealing_context(ident: UUID) -> str:
    """The place that a destination is bound to: it opens in its own row alone."""
    return f"commerce.purchase:{ident}"


class StoredPurchases:
    """`commerce.ordering.purchase.Purchases` in schema `commerce`."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope

    async def place(self, tx: Transaction, bought: Purchase) -> None:
        """Write a purchase with its orders and their first events."""
        sealed = None
        if bought.destination is not None:
            sealed = self._envelope.seal(msgspec.json.encode(bought.destination), sealing_context(bought.id))
        lines = [(order.id, line) for order in bought.orders for line in order.lines]
        await tx.execute(
            _PLACE,
            {
                "id": bought.id,
                "person": bought.person,
                "organisation": bought.organisation,
                "kind": SALE,
                "currency": bought.total.currency,
                "total": bought.total.minor,
                "placed_at": bought.placed_at,
                "number": bought.number,
                "state": bought.state,
                "method": bought.method,
                "locale": bought.locale,
                "hold": bought.hold,
                "destination": sealed,
                "orders": [order.id for order in bought.orders],
                "sellers": [order.seller for order in bought.orders],
                "goods": [order.goods.minor for order in bought.orders],
                "shipping": [order.shipping.minor for order in bought.orders],
                "deliveries": [order.method for order in bought.orders],
                "commissions": [order.commission.minor for order in bought.orders],
                "due_from": [order.due and order.due[0] for order in bought.orders],
                "due_until": [order.due and order.due[1] for order in bought.orders],
                "line_orders": [order for order, _ in lines],
                "offers": [line.offer for _, line in lines],
                "skus": [line.taken.sku for _, line in lines],
                "warehouses": [line.taken.warehouse for _, line in lines],
                "quantities": [line.taken.quantity for _, line in lines],
                "prices": [line.unit_price.minor for _, line in lines],
                "names": [msgspec.json.encode(line.name).decode() for _, line in lines],
            },
        )

    async def find(self, tx: Transaction, ident: UUID, person: UUID) -> Purchase | None:
        """One purchase of this person; None for one that is somebody else's, or nobody's."""
        found = await self._read(tx, purchase.c.id == ident, purchase.c.person == person)
        return found[0] if found else None

    async def of(
        self, tx: Transaction, person: UUID, *, limit: int = 50, before: UUID | None = None
    ) -> Sequence[Purchase]:
        """A person's purchases, the newest first; those before one of them."""
        newest = (
            sa.select(purchase.c.id)
            .where(purchase.c.person == person)
            .order_by(purchase.c.placed_at.desc(), purchase.c.id)
            .limit(limit)
        )
        if before is not None:
            place = sa.select(purchase.c.placed_at).where(purchase.c.id == before, purchase.c.person == person)
            moment = place.scalar_subquery()
            newest = newest.where(
                sa.or_(purchase.c.placed_at < moment, sa.and_(purchase.c.placed_at == moment, purchase.c.id > before))
            )
        return await self._read(tx, purchase.c.id.in_(newest))

    async def lock(self, tx: Transaction, ident: UUID) -> Purchase | None:
        """One, whoever's it is, locked with its orders until the transaction ends."""
        if await tx.scalar(sa.select(purchase.c.id).where(purchase.c.id == ident).with_for_update(key_share=True)):
            return (await self._read(tx, purchase.c.id == ident))[0]
        return None

    async def of_order(self, tx: Transaction, order: UUID) -> UUID | None:
        """The purchase of a seller's order."""
        found: UUID | None = await tx.scalar(sa.select(seller_order.c.purchase).where(seller_order.c.id == order))
        return found

    async def for_seller(
        self, tx: Transaction, seller: UUID, *, state: str | None = None, before: UUID | None = None, limit: int = 50
    ) -> Sequence[Purchase]:
        """The paid orders of one seller, the newest first, each purchase with that order alone."""
        own = seller_order.alias()
        bought = purchase.alias()
        newest = (
            sa.select(own.c.id)
            .join(bought, bought.c.id == own.c.purchase)
            .where(own.c.seller == seller, bought.c.state.in_(("paid", "cancelled")))
            .order_by(bought.c.placed_at.desc(), own.c.id)
            .limit(limit)
        )
        if state is not None:
            newest = newest.where(own.c.state == state)
        if before is not None:
            place = (
                sa.select(purchase.c.placed_at)
                .join(seller_order, seller_order.c.purchase == purchase.c.id)
                .where(seller_order.c.id == before, seller_order.c.seller == seller)
                .scalar_subquery()
            )
            newest = newest.where(
                sa.or_(bought.c.placed_at < place, sa.and_(bought.c.placed_at == place, own.c.id > before))
            )
        return await self._read(tx, seller_order.c.id.in_(newest))

    async def move(self, tx: Transaction, bought: Purchase, to: PurchaseState, *, hold: UUID | None = None) -> None:
        """Change the state of a locked purchase. Raises `NOT_NOW`."""
        require(PURCHASE, bought.state, to)
        done = await tx.execute(
            sa.update(purchase)
            .values(state=to, version=purchase.c.version + 1, **({"hold": hold} if hold else {}))
            .where(purchase.c.id == bought.id, purchase.c.state == bought.state)
        )
        if not done.rowcount:
            raise Problem(NOT_NOW)

    async def move_order(
        self,
        tx: Transaction,
        order: SellerOrder,
        to: OrderState,
        now: datetime,
        *,
        actor: UUID | None,
        note: str = "",
    ) -> None:
        """Change the state of a locked order, with its event. Raises `NOT_NOW`."""
        require(ORDER, order.state, to)
        done = await tx.execute(
            sa.update(seller_order)
            .values(
                state=to,
                version=seller_order.c.version + 1,
                completed_at=now if to == "completed" else seller_order.c.completed_at,
            )
            .where(seller_order.c.id == order.id, seller_order.c.state == order.state)
        )
        if not done.rowcount:
            raise Problem(NOT_NOW)
        await tx.execute(
            sa.insert(order_event).values(
                seller_order=order.id, from_state=order.state, to_state=to, actor=actor, at=now, note=note
            )
        )

    async def count(
        self, tx: Transaction, order: UUID, field: str, lines: Sequence[Taken], *, shipping: int = 0
    ) -> None:
        """Count what was `shipped`, `cancelled` or `returned` of a locked order, and shipping that is given back."""
        more = bulk.rows(
            "more",
            {
                "sku": (sa.Text, [one.sku for one in lines]),
                "warehouse": (sa.Text, [one.warehouse for one in lines]),
                "quantity": (sa.Integer, [one.quantity for one in lines]),
            },
        )
        line = order_line.c
        await tx.execute(
            sa.update(order_line)
            .values({field: line[field] + more.c.quantity})
            .where(line.seller_order == order, line.sku == more.c.sku, line.warehouse == more.c.warehouse)
        )
        await tx.execute(
            sa.update(seller_order)
            .values(version=seller_order.c.version + 1, shipping_back=seller_order.c.shipping_back + shipping)
            .where(seller_order.c.id == order)
        )

    async def note(
        self,
        tx: Transaction,
        order: UUID,
        kind: Literal["shipment", "cancellation"],
        subject: UUID,
        states: tuple[str | None, str],
        now: datetime,
        *,
        actor: UUID | None,
        note: str = "",
    ) -> None:
        """Write an event of something that belongs to an order."""
        await tx.execute(
            sa.insert(order_event).values(
                seller_order=order,
                kind=kind,
                subject=subject,
                from_state=states[0],
                to_state=states[1],
                actor=actor,
                at=now,
                note=note,
            )
        )

    async def events(self, tx: Transaction, orders: Sequence[UUID]) -> Sequence[Mapping[str, object]]:
        """What happened to these orders, the oldest first."""
        query = sa.select(order_event).where(order_event.c.seller_order.in_(orders)).order_by(order_event.c.id)
        return [dict(row._mapping) for row in await tx.execute(query)]

    async def overdue(self, tx: Transaction, now: datetime) -> Purchase | None:
        """One whose hold ran out unpaid, locked; what others have locked is theirs."""
        hold = trade.hold
        ident = await tx.scalar(
            sa.select(purchase.c.id)
            .join(hold, hold.c.id == purchase.c.hold)
            .where(hold.c.state == "held", hold.c.expires_at <= now, purchase.c.state == "received")
            .order_by(hold.c.expires_at)
            .limit(1)
            .with_for_update(of=purchase, skip_locked=True)
        )
        return (await self._read(tx, purchase.c.id == ident))[0] if ident else None

    async def _read(self, tx: Transaction, *where: sa.ColumnElement[bool]) -> list[Purchase]:
        query = (
            sa.select(
                purchase,
                seller_order.c.id.label("order"),
                seller_order.c.state.label("order_state"),
                seller_order.c.goods,
                seller_order.c.shipping,
                seller_order.c.method.label("delivery"),
                seller_order.c.commission,
                seller_order.c.due_from,
                seller_order.c.due_until,
                seller_order.c.shipping_back,
                seller_order.c.completed_at,
                seller_order.c.version.label("order_version"),
                seller.c.id.label("seller"),
                seller.c.name.label("seller_name"),
                order_line.c.offer,
                order_line.c.sku,
                order_line.c.warehouse,
                order_line.c.quantity,
                order_line.c.unit_price,
                order_line.c.name,
                order_line.c.shipped,
                order_line.c.cancelled,
                order_line.c.returned,
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
                purchases[row.id] = self._purchase(row, orders.setdefault(row.id, []))
            if row.order not in lines:
                orders[row.id].append(_order(row, lines.setdefault(row.order, [])))
            lines[row.order].append(_line(row))
        return list(purchases.values())

    def _purchase(self, row: sa.Row[Any], orders: Sequence[SellerOrder]) -> Purchase:
        destination = None
        if row.destination is not None:
            opened = self._envelope.open(row.destination, sealing_context(row.id))
            destination = msgspec.json.decode(opened, type=Destination)
        return Purchase(
            row.id,
            row.person,
            row.organisation,
            row.placed_at,
            Money(row.total, row.currency),
            orders,
            row.number or "",
            row.state,
            row.method,
            row.locale,
            row.hold,
            destination,
            row.version,
        )


def _order(row: sa.Row[Any], lines: Sequence[OrderLine]) -> SellerOrder:
    return SellerOrder(
        row.order,
        row.seller,
        row.seller_name,
        row.order_state,
        Money(row.goods, row.currency),
        lines,
        Money(row.shipping, row.currency),
        Money(row.commission, row.currency),
        row.delivery,
        (row.due_from, row.due_until) if row.due_from else None,
        row.shipping_back,
        row.completed_at,
        row.order_version,
    )


def _line(row: sa.Row[Any]) -> OrderLine:
    return OrderLine(
        row.offer,
        row.name,
        Taken(row.sku, row.warehouse, row.quantity),
        Money(row.unit_price, row.currency),
        row.shipped,
        row.cancelled,
        row.returned,
    )
