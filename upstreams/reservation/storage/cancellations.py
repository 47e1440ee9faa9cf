"""Cancellations in PostgreSQL: written once, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from config.connections import Transaction
from upstreams.reservation.cancelling.cancellation import Cancellation
from upstreams.reservation.cancelling.settlement import Settled
from upstreams.reservation.storage.tables import (
    cancellation,
    cancellation_charge,
    cancellation_line,
    payments,
    request,
)
from upstreams.trade.allocation import Taken
from upstreams.trade.money import Money
from upstreams.trade.storage import bulk


class StoredCancellations:
    """`reservation.cancelling.cancellation.Cancellations` in schema `reservation`."""

    async def write(self, tx: Transaction, made: Cancellation, given_back: Sequence[Taken]) -> None:
        """Why and when, what was given back and from where, and its money."""
        await tx.execute(
            sa.insert(cancellation).values(
                id=made.id,
                reservation=made.reservation,
                person=made.person,
                reason=made.reason,
                cancelled_at=made.at,
                whole=made.whole,
            )
        )
        await bulk.insert(
            tx,
            cancellation_line,
            [
                {"cancellation": made.id, "sku": one.sku, "warehouse": one.warehouse, "quantity": one.quantity}
                for one in given_back
            ],
        )
        await bulk.insert(
            tx,
            cancellation_charge,
            [
                {
                    "cancellation": made.id,
                    "sku": one.sku,
                    "quantity": one.quantity,
                    "fee": one.fee.minor,
                    "refund": one.refund.minor,
                }
                for one in made.settled
            ],
        )

    async def of(self, tx: Transaction, reservation: UUID, person: UUID) -> Sequence[Cancellation]:
        """All of one reservation of this person, the oldest first."""
        charge, refund = cancellation_charge.c, payments.refund.c
        query = (
            sa.select(
                cancellation,
                request.c.currency,
                charge.sku,
                charge.quantity,
                charge.fee,
                charge.refund,
                refund.state.label("refund_state"),
            )
            .join(cancellation_charge, charge.cancellation == cancellation.c.id)
            .join(request, request.c.id == cancellation.c.reservation)
            .outerjoin(payments.refund, refund.of == cancellation.c.id)
            .where(cancellation.c.reservation == reservation, cancellation.c.person == person)
            .order_by(cancellation.c.cancelled_at, cancellation.c.id, charge.sku)
        )
        found: dict[UUID, Cancellation] = {}
        settled: dict[UUID, list[Settled]] = {}
        for row in await tx.execute(query):
            lines = settled.setdefault(row.id, [])
            lines.append(Settled(row.sku, row.quantity, Money(row.fee, row.currency), Money(row.refund, row.currency)))
            found[row.id] = Cancellation(
                row.id,
                row.reservation,
                row.person,
                row.reason,
                row.cancelled_at,
                row.whole,
                lines,
                row.refund_state,
            )
        return list(found.values())
