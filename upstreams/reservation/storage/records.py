"""Requests with their results, read for whoever asked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from config.connections import Transaction
from upstreams.reservation.life import State
from upstreams.reservation.record import Record, RecordLine, Step
from upstreams.reservation.storage.tables import (
    hold_seat,
    request,
    request_line,
    reservation,
    reservation_event,
    sku,
    trade,
)
from upstreams.trade.allocation import Window
from upstreams.trade.money import Money

_UNDECIDED: dict[str, State] = {"queued": "QUEUED", "refused": "REFUSED", "dead": "FAILED"}


class StoredRecords:
    """`reservation.record.Records` in schema `reservation`."""

    async def find(self, tx: Transaction, ident: UUID, person: UUID) -> Record | None:
        """One of this person's."""
        found = await _read(tx, request.c.id == ident, request.c.person == person)
        return found[0] if found else None

    async def of(
        self,
        tx: Transaction,
        person: UUID,
        *,
        states: Collection[State] | None = None,
        before: UUID | None = None,
        limit: int = 50,
    ) -> list[Record]:
        """A person's, the newest first: in some states alone, and those that were asked for before one of theirs."""
        newest = (
            sa.select(request.c.id).where(request.c.person == person).order_by(request.c.arrival.desc()).limit(limit)
        )
        if before is not None:
            last = sa.select(request.c.arrival).where(request.c.id == before, request.c.person == person)
            newest = newest.where(request.c.arrival < last.scalar_subquery())
        if states is not None:
            undecided = [kept for kept, state in _UNDECIDED.items() if state in states]
            newest = newest.outerjoin(reservation, reservation.c.id == request.c.id).where(
                sa.or_(reservation.c.state.in_(states), request.c.state.in_(undecided))
            )
        return await _read(tx, request.c.id.in_(newest))

    async def history(self, tx: Transaction, record: Record) -> list[Step]:
        """What became of it from its decision on, the oldest first."""
        event = reservation_event.c
        query = (
            sa.select(event.to_state, event.at, event.reason, event.actor)
            .where(event.reservation == record.id)
            .order_by(event.id)
        )
        steps = [
            Step(to, at, reason or "", own=actor == record.person) for to, at, reason, actor in await tx.execute(query)
        ]
        if record.decided_at is not None:
            first: State = record.state if record.state in ("REFUSED", "FAILED") else "PENDING"
            steps.insert(0, Step(first, record.decided_at, record.refusal or ""))
        return steps

    async def to_tell(self, tx: Transaction, person: UUID, since: datetime, *, limit: int = 100) -> list[Record]:
        """Results that a person's page has not acknowledged, and those decided since a moment; the newest first."""
        untold = (
            sa.select(request.c.id)
            .where(
                request.c.person == person,
                request.c.decided_at.is_not(None),
                sa.or_(request.c.acknowledged_at.is_(None), request.c.decided_at >= since),
            )
            .order_by(request.c.arrival.desc())
            .limit(limit)
        )
        return await _read(tx, request.c.id.in_(untold))

    async def results(self, tx: Transaction, idents: Collection[UUID]) -> list[Record]:
        """Whatever is decided of these, whoever's they are: for the worker that tells them."""
        chosen = request.c.id == sa.any_(sa.literal(list(idents), ARRAY(sa.Uuid, dimensions=1)))
        return await _read(tx, chosen, request.c.state != "queued")


def _given_seats() -> sa.ScalarSelect[Any]:
    """The seats that a reservation was given of a thing, null where none."""
    return (
        sa.select(sa.func.array_agg(aggregate_order_by(hold_seat.c.label, hold_seat.c.label)))
        .where(hold_seat.c.hold == reservation.c.hold, hold_seat.c.sku == request_line.c.sku)
        .scalar_subquery()
    )


async def _read(tx: Transaction, *where: sa.ColumnElement[bool]) -> list[Record]:
    hold = trade.hold
    query = (
        sa.select(
            request.c.id,
            request.c.person,
            request.c.state,
            request.c.refusal,
            request.c.currency,
            request.c.requested_at,
            request.c.decided_at,
            reservation.c.state.label("reservation_state"),
            hold.c.expires_at,
            request_line.c.sku,
            request_line.c.quantity,
            request_line.c.unit_price,
            sa.func.coalesce(_given_seats(), request_line.c.seats).label("seats"),
            request_line.c.during,
            sku.c.name,
        )
        .select_from(
            request.join(request_line, request_line.c.request == request.c.id)
            .join(sku, sku.c.code == request_line.c.sku)
            .outerjoin(reservation, reservation.c.id == request.c.id)
            .outerjoin(hold, hold.c.id == reservation.c.hold)
        )
        .where(*where)
        .order_by(request.c.arrival.desc(), request_line.c.sku)
    )
    records: dict[UUID, Record] = {}
    lines: dict[UUID, list[RecordLine]] = {}
    for row in await tx.execute(query):
        if row.id not in records:
            records[row.id] = _record(row, lines.setdefault(row.id, []))
        window = Window(row.during.lower, row.during.upper) if row.during is not None else None
        price = Money(row.unit_price, row.currency)
        lines[row.id].append(RecordLine(row.sku, row.name, row.quantity, price, tuple(row.seats or ()), window))
    return list(records.values())


def _record(row: Any, lines: list[RecordLine]) -> Record:
    state = cast(State, row.reservation_state or _UNDECIDED[row.state])
    return Record(
        id=row.id,
        person=row.person,
        state=state,
        refusal=row.refusal,
        lines=lines,
        requested_at=row.requested_at,
        decided_at=row.decided_at,
        expires_at=row.expires_at if state == "PENDING" else None,
    )
