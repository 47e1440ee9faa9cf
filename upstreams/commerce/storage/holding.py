"""Holds of purchases in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from config.connections import Transaction
from upstreams.commerce.storage.tables import trade
from upstreams.trade.stock import Movement, Stock


class StoredHolding:
    """`commerce.paying.holding.Holding` in schema `commerce`."""

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    async def expires_at(self, tx: Transaction, hold: UUID) -> datetime | None:
        """Until when it is held; None where it is not held any more."""
        kept = trade.hold.c
        found: datetime | None = await tx.scalar(
            sa.select(kept.expires_at).where(kept.id == hold, kept.state == "held")
        )
        return found

    async def prolong(self, tx: Transaction, hold: UUID, until: datetime) -> None:
        """Keep what is held at least until then."""
        kept = trade.hold.c
        await tx.execute(
            sa.update(trade.hold)
            .values(expires_at=until)
            .where(kept.id == hold, kept.state == "held", kept.expires_at < until)
        )

    async def can_be_had(self, tx: Transaction, hold: UUID) -> bool:
        """Whether nobody has what an ended hold kept. Nothing is locked: a moment later it may be otherwise."""
        line, stock = trade.hold_line.c, trade.stock.c
        together = sa.and_(stock.sku == line.sku, stock.warehouse == line.warehouse)
        short = (
            sa.select(sa.literal(1))
            .select_from(trade.hold_line.join(trade.stock, together))
            .where(line.hold == hold, stock.on_hand - stock.held - stock.allocated < line.quantity)
        )
        return await tx.scalar(short.limit(1)) is None

    async def take_again(self, tx: Transaction, hold: UUID, cause: str, now: datetime) -> bool:
        """Hold once more what an ended hold kept, all of it from where it was; False where somebody has it."""
        line = trade.hold_line.c
        query = sa.select(line.sku, line.warehouse, line.quantity).where(line.hold == hold)
        kept = [(row.sku, row.warehouse, row.quantity) for row in await tx.execute(query)]
        shelves = await self._stock.lock(tx, {sku for sku, _, _ in kept})
        free = {(shelf.sku, shelf.warehouse): shelf.available for shelf in shelves}
        if any(free.get((sku, warehouse), 0) < quantity for sku, warehouse, quantity in kept):
            return False
        await tx.execute(
            sa.update(trade.hold)
            .values(state="held", ended_at=None, expires_at=sa.func.greatest(trade.hold.c.expires_at, now))
            .where(trade.hold.c.id == hold)
        )
        await self._stock.move(
            tx, [Movement("hold", cause, sku, warehouse, held=quantity) for sku, warehouse, quantity in kept], now
        )
        return True
