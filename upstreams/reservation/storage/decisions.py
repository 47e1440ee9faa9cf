"""What requests ended in, as events: a request bears the number of its decision, and no other row repeats it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, array

from config.connections import Transaction
from upstreams.reservation.happening import Event, decided
from upstreams.reservation.storage.tables import hold_seat, request, trade

_SEATS = (
    sa.select(
        sa.func.array_agg(
            aggregate_order_by(
                array([hold_seat.c.sku, hold_seat.c.label]),
                hold_seat.c.sku,
                hold_seat.c.label,
            )
        )
    )
    .where(hold_seat.c.hold == request.c.id)
    .scalar_subquery()
)
_DECISIONS = (
    sa.select(
        request.c.event,
        request.c.person,
        request.c.id,
        request.c.refusal,
        trade.hold.c.expires_at,
        _SEATS.label("seats"),
    )
    .outerjoin(trade.hold, trade.hold.c.id == request.c.id)
    .where(request.c.event.is_not(None))
)


async def since(
    tx: Transaction, person: UUID, event: int, moment: sa.ScalarSelect[datetime], *, limit: int
) -> list[Event]:
    """A person's, in order: those after one that they know, and those that were made from a moment on."""
    query = (
        _DECISIONS.where(
            request.c.person == person,
            request.c.event != event,
            sa.or_(request.c.event > event, request.c.decided_at >= moment),
        )
        .order_by(request.c.event)
        .limit(limit)
    )
    return [_event(row) for row in await tx.execute(query)]


async def of(tx: Transaction, requests: Collection[UUID]) -> dict[UUID, Event]:
    """By these requests, as far as they are decided."""
    chosen = request.c.id == sa.any_(sa.literal(list(requests), ARRAY(sa.Uuid, dimensions=1)))
    return {row.id: _event(row) for row in await tx.execute(_DECISIONS.where(chosen))}


def _event(row: Any) -> Event:
    seats = tuple((sku, label) for sku, label in row.seats or ())
    return Event(row.event, decided(row.person, row.id, row.refusal, row.expires_at, seats))
