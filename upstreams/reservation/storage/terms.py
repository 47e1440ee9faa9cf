"""Terms of reservations in PostgreSQL, and holds that are kept longer or taken once more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from config.connections import Transaction
from upstreams.reservation.storage.tables import booking, hold_seat, request, request_line, seat, sku, trade
from upstreams.reservation.terms import TermLine, terms_of
from upstreams.trade.money import Money
from upstreams.trade.stock import Movement, Stock

_TAKEN_BY_OTHERS = "23"
"""SQLSTATE class of what a constraint refuses: the time of a resource is another's."""


class StoredTermLines:
    """`reservation.terms.TermLines` in schema `reservation`."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    async def of(self, tx: Transaction, reservation: UUID) -> Sequence[TermLine]:
        """The lines of one reservation, in the order of their names."""
        query = (
            sa.select(
                request_line.c.sku,
                sku.c.name,
                request_line.c.quantity,
                request_line.c.unit_price,
                request.c.currency,
                request_line.c.payment,
                request_line.c.deadlines,
                sa.func.coalesce(sa.func.lower(request_line.c.during), sku.c.starts_at).label("starts_at"),
            )
            .join(request, request.c.id == request_line.c.request)
            .join(sku, sku.c.code == request_line.c.sku)
            .where(request_line.c.request == reservation)
            .order_by(request_line.c.sku)
        )
        return [
            TermLine(
                row.sku,
                row.name,
                row.quantity,
                Money(row.unit_price, row.currency),
                terms_of(row.payment, row.deadlines),
                row.starts_at,
            )
            for row in await tx.execute(query)
        ]

    async def prolong(self, tx: Transaction, hold: UUID, until: datetime) -> None:
        """Keep what is still held until then at least."""
        kept = trade.hold.c
        await tx.execute(
            sa.update(trade.hold)
            .values(expires_at=until)
            .where(kept.id == hold, kept.state == "held", kept.expires_at < until)
        )

    async def can_be_had(self, tx: Transaction, hold: UUID) -> bool:
        """Whether nobody has what an ended hold kept. Nothing is locked: a moment later it may be otherwise."""
        line, stock = trade.hold_line.c, trade.stock.c
        short = (
            sa.select(sa.literal(1))
            .select_from(
                trade.hold_line.join(trade.stock, sa.and_(stock.sku == line.sku, stock.warehouse == line.warehouse))
            )
            .where(line.hold == hold, stock.on_hand - stock.held - stock.allocated < line.quantity)
        )
        seated = (
            sa.select(sa.literal(1))
            .select_from(
                hold_seat.join(seat, sa.and_(seat.c.sku == hold_seat.c.sku, seat.c.label == hold_seat.c.label))
            )
            .where(hold_seat.c.hold == hold, seat.c.hold.is_not(None))
        )
        other = booking.alias()
        booked = (
            sa.select(sa.literal(1))
            .select_from(
                booking.join(
                    other, sa.and_(other.c.resource == booking.c.resource, other.c.during.overlaps(booking.c.during))
                )
            )
            .where(booking.c.hold == hold, other.c.hold != hold, other.c.active)
        )
        return await tx.scalar(sa.union_all(short, seated, booked).limit(1)) is None

    async def take_again(self, tx: Transaction, hold: UUID, cause: str, now: datetime) -> bool:
        """Hold once more what an expired hold kept, all of it from where it was; False where somebody has it."""
        line = trade.hold_line.c
        query = sa.select(line.sku, line.warehouse, line.quantity).where(line.hold == hold)
        kept = [tuple(row) for row in await tx.execute(query)]
        free = {
            (shelf.sku, shelf.warehouse): shelf.available for shelf in await self._stock.lock(tx, {k[0] for k in kept})
        }
        if any(free.get((thing, warehouse), 0) < quantity for thing, warehouse, quantity in kept):
            return False
        try:
            async with tx.begin_nested():
                if not await self._seat_again(tx, hold):
                    return False
                await tx.execute(sa.update(booking).values(active=True).where(booking.c.hold == hold))
        except IntegrityError as error:
            if not str(getattr(error.orig, "sqlstate", "")).startswith(_TAKEN_BY_OTHERS):
                raise
            return False
        await tx.execute(
            sa.update(trade.hold)
            .values(state="held", ended_at=None, expires_at=sa.func.greatest(trade.hold.c.expires_at, now))
            .where(trade.hold.c.id == hold)
        )
        moves = [Movement("hold", cause, thing, warehouse, held=count) for thing, warehouse, count in kept]
        await self._stock.move(tx, moves, now)
        return True

    async def _seat_again(self, tx: Transaction, hold: UUID) -> bool:
        """Give the hold its seats back; False where one is another's. The stock of the seats is locked."""
        mine = sa.select(hold_seat.c.sku, hold_seat.c.label).where(hold_seat.c.hold == hold)
        wanted = await tx.scalar(sa.select(sa.func.count()).select_from(mine.subquery()))
        chosen = sa.tuple_(seat.c.sku, seat.c.label).in_(mine)
        free = await tx.scalar(sa.select(sa.func.count()).select_from(seat).where(chosen, seat.c.hold.is_(None)))
        if free != wanted:
            return False
        await tx.execute(sa.update(seat).values(hold=hold).where(chosen))
        return True
