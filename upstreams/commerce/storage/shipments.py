"""Parcels, cancellations and returns in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from config.connections import Transaction
from config.problem import Problem
from upstreams.commerce.ordering.states import (
    CANCELLATION,
    NOT_NOW,
    SHIPMENT,
    CancellationState,
    ShipmentState,
    require,
)
from upstreams.commerce.ordering.withdrawal import Withdrawal
from upstreams.commerce.shipping.shipment import Shipment
from upstreams.commerce.storage.order_tables import (
    cancellation,
    cancellation_line,
    feedback,
    shipment,
    shipment_line,
)
from upstreams.trade.allocation import Taken
from upstreams.trade.storage import bulk


class StoredShipments:
    """`commerce.shipping.shipment.Shipments` in schema `commerce`."""

    async def open(self, tx: Transaction, made: Shipment) -> None:
        """Write one that went out."""
        await tx.execute(
            sa.insert(shipment).values(
                id=made.id,
                seller_order=made.order,
                state=made.state,
                carrier=made.carrier,
                tracking=made.tracking,
                shipped_at=made.shipped_at,
            )
        )
        await bulk.insert(tx, shipment_line, [_line("shipment", made.id, one) for one in made.lines])

    async def of(self, tx: Transaction, orders: Sequence[UUID]) -> Sequence[Shipment]:
        """All of these orders, the oldest first."""
        query = sa.select(shipment).where(shipment.c.seller_order.in_(orders))
        rows = (await tx.execute(query.order_by(shipment.c.shipped_at, shipment.c.id))).all()
        lines = await _lines(tx, shipment_line, shipment_line.c.shipment, [row.id for row in rows])
        return [
            Shipment(
                row.id,
                row.seller_order,
                row.state,
                row.carrier,
                row.tracking,
                row.shipped_at,
                lines[row.id],
                row.delivered_at,
            )
            for row in rows
        ]

    async def move(self, tx: Transaction, made: Shipment, to: ShipmentState, now: datetime) -> None:
        """Change the state of one whose order is locked. Raises `NOT_NOW`."""
        require(SHIPMENT, made.state, to)
        done = await tx.execute(
            sa.update(shipment)
            .values(state=to, delivered_at=now if to == "delivered" else None)
            .where(shipment.c.id == made.id, shipment.c.state == made.state)
        )
        if not done.rowcount:
            raise Problem(NOT_NOW)


class StoredWithdrawals:
    """`commerce.ordering.withdrawal.Withdrawals` in schema `commerce`."""

    async def write(self, tx: Transaction, made: Withdrawal) -> None:
        """Write one of a locked order. Raises `NOT_NOW` where a return is under way."""
        try:
            async with tx.begin_nested():
                await tx.execute(
                    sa.insert(cancellation).values(
                        id=made.id,
                        seller_order=made.order,
                        person=made.person,
                        kind=made.kind,
                        state=made.state,
                        reason=made.reason,
                        goods=made.goods,
                        shipping=made.shipping,
                        commission=made.commission,
                        requested_at=made.requested_at,
                        done_at=made.done_at,
                    )
                )
        except IntegrityError as error:
            if "one_return_at_a_time" not in str(error.orig):
                raise
            raise Problem(NOT_NOW, "Something is being sent back already.") from error
        await bulk.insert(tx, cancellation_line, [_line("cancellation", made.id, one) for one in made.lines])

    async def of(self, tx: Transaction, orders: Sequence[UUID]) -> Sequence[Withdrawal]:
        """All of these orders, the oldest first."""
        query = sa.select(cancellation).where(cancellation.c.seller_order.in_(orders))
        rows = (await tx.execute(query.order_by(cancellation.c.requested_at, cancellation.c.id))).all()
        lines = await _lines(tx, cancellation_line, cancellation_line.c.cancellation, [row.id for row in rows])
        return [
            Withdrawal(
                row.id,
                row.seller_order,
                row.person,
                row.kind,
                row.state,
                row.reason,
                lines[row.id],
                row.goods,
                row.shipping,
                row.commission,
                row.requested_at,
                row.done_at,
            )
            for row in rows
        ]

    async def move(self, tx: Transaction, made: Withdrawal, to: CancellationState, now: datetime) -> None:
        """Change the state of one whose order is locked. Raises `NOT_NOW`."""
        require(CANCELLATION, made.state, to)
        done = await tx.execute(
            sa.update(cancellation)
            .values(state=to, done_at=now if to == "done" else None, commission=made.commission)
            .where(cancellation.c.id == made.id, cancellation.c.state == made.state)
        )
        if not done.rowcount:
            raise Problem(NOT_NOW)

    async def say(self, tx: Transaction, order: UUID, person: UUID, stars: int, words: str, now: datetime) -> bool:
        """Write what a person thinks of a completed order; False where they said it before."""
        mine = await tx.scalar(
            insert(feedback)
            .values(seller_order=order, person=person, stars=stars, words=words, at=now)
            .on_conflict_do_nothing()
            .returning(feedback.c.seller_order)
        )
        return mine is not None

    async def said(self, tx: Transaction, orders: Sequence[UUID]) -> Mapping[UUID, tuple[int, str]]:
        """What was said of these orders: stars and words."""
        query = sa.select(feedback.c.seller_order, feedback.c.stars, feedback.c.words)
        found = await tx.execute(query.where(feedback.c.seller_order.in_(orders)))
        return {order: (stars, words) for order, stars, words in found}


def _line(of: str, ident: UUID, one: Taken) -> dict[str, object]:
    return {of: ident, "sku": one.sku, "warehouse": one.warehouse, "quantity": one.quantity}


async def _lines(
    tx: Transaction, table: sa.Table, key: sa.ColumnElement[UUID], idents: Sequence[UUID]
) -> Mapping[UUID, list[Taken]]:
    lines: dict[UUID, list[Taken]] = defaultdict(list)
    query = sa.select(key, table.c.sku, table.c.warehouse, table.c.quantity).where(key.in_(idents))
    for ident, sku, warehouse, quantity in await tx.execute(query.order_by(table.c.sku, table.c.warehouse)):
        lines[ident].append(Taken(sku, warehouse, quantity))
    return lines
