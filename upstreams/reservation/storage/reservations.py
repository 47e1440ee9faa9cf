"""Reservations in PostgreSQL: what was granted, and what becomes of it. Every change of state has its event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from config.connections import Transaction
from upstreams.reservation.life import State, step
from upstreams.reservation.reservation import Reservation
from upstreams.reservation.storage.tables import (
    reservation,
    reservation_event,
    trade,
)
from upstreams.trade.storage import bulk

_SELECTED = sa.select(
    reservation.c.id, reservation.c.person, reservation.c.hold, reservation.c.state, trade.hold.c.expires_at
).join(trade.hold, trade.hold.c.id == reservation.c.hold)

_OPEN = bulk.Insertion(reservation)


class StoredReservations:
    """`reservation.reservation.Reservations` in schema `reservation`."""

    async def open(self, tx: Transaction, granted: Sequence[tuple[UUID, UUID]], now: datetime) -> None:
        """Write reservations: (id, person), all PENDING; the hold of each bears its id."""
        if granted:
            idents = [ident for ident, _ in granted]
            persons = [person for _, person in granted]
            await _OPEN.put(tx, id=idents, person=persons, hold=idents, state="PENDING", reserved_at=now, version=1)

    async def lock(self, tx: Transaction, ident: UUID, person: UUID | None = None) -> Reservation | None:
        """One reservation, of this person where one is named, locked until the transaction ends."""
        query = _SELECTED.where(reservation.c.id == ident).with_for_update(of=reservation, key_share=True)
        if person is not None:
            query = query.where(reservation.c.person == person)
        row = (await tx.execute(query)).one_or_none()
        return Reservation(*row) if row else None

    async def due(self, tx: Transaction, now: datetime, *, limit: int) -> Sequence[Reservation]:
        """PENDING ones whose hold ran out, locked; those that somebody else is changing are left to them."""
        hold = trade.hold
        query = (
            _SELECTED.where(hold.c.state == "held", hold.c.expires_at <= now, reservation.c.state == "PENDING")
            .order_by(hold.c.expires_at, reservation.c.id)
            .limit(limit)
            .with_for_update(of=reservation, skip_locked=True)
        )
        return [Reservation(*row) for row in await tx.execute(query)]

    async def change(
        self,
        tx: Transaction,
        before: Sequence[Reservation],
        to: State,
        now: datetime,
        *,
        actor: UUID | None,
        reason: str | None = None,
    ) -> None:
        """Move locked reservations on to a state, each with its event. Raises `NotInThatState`."""
        for one in before:
            step(one.state, to)
        for state in {one.state for one in before}:
            await tx.execute(
                sa.update(reservation)
                .values(state=to, version=reservation.c.version + 1)
                .where(
                    reservation.c.id.in_([one.id for one in before if one.state == state]),
                    reservation.c.state == state,
                )
            )
        await bulk.insert(
            tx,
            reservation_event,
            [
                {
                    "reservation": one.id,
                    "from_state": one.state,
                    "to_state": to,
                    "actor": actor,
                    "reason": reason,
                    "at": now,
                }
                for one in before
            ],
        )
