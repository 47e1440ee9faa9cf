"""Holds in PostgreSQL: stock that is promised for a while, then confirmed, released or expired, exactly once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from config.connections import Transaction
from upstreams.trade.allocation import Taken
from upstreams.trade.holds import End, Hold
from upstreams.trade.stock import Kind, Movement, Stock
from upstreams.trade.storage import bulk
from upstreams.trade.storage.tables import TradeTables

_MOVEMENT: Mapping[End, Kind] = {"confirmed": "confirm", "released": "release", "expired": "expire"}


class StoredHolds:
    """`trade.holds.Holds` in one service's schema."""

    def __init__(self, tables: TradeTables, stock: Stock) -> None:
        self._hold = tables.hold
        self._line = tables.hold_line
        self._stock = stock

    async def open(self, tx: Transaction, holds: Sequence[Hold], now: datetime) -> None:
        """Keep what was taken. The stock rows must be locked already."""
        await bulk.insert(
            tx,
            self._hold,
            [
                {
                    "id": hold.id,
                    "person": hold.person,
                    "state": "held",
                    "created_at": now,
                    "expires_at": hold.expires_at,
                }
                for hold in holds
            ],
        )
        lines = [(hold.id, taken) for hold in holds for taken in hold.taken]
        await bulk.insert(
            tx,
            self._line,
            [
                {"hold": ident, "sku": taken.sku, "warehouse": taken.warehouse, "quantity": taken.quantity}
                for ident, taken in lines
            ],
        )
        await self._stock.move(
            tx,
            [Movement("hold", str(ident), taken.sku, taken.warehouse, held=taken.quantity) for ident, taken in lines],
            now,
        )

    async def end(
        self, tx: Transaction, idents: Collection[UUID], state: End, now: datetime
    ) -> Mapping[UUID, list[Taken]]:
        """End those that are still held, and answer them with what they kept; without those that ended already.

        Confirmed stock stays promised; released and expired stock can be had again.
        """
        hold = self._hold.c
        ended = (
            await tx.scalars(
                sa.update(self._hold)
                .values(state=state, ended_at=now)
                .where(hold.id.in_(idents), hold.state == "held")
                .returning(hold.id)
            )
        ).all()
        kept = await self.lines(tx, ended)
        await self._stock.lock(tx, {taken.sku for lines in kept.values() for taken in lines})
        await self._stock.move(
            tx,
            [
                Movement(
                    _MOVEMENT[state],
                    str(ident),
                    taken.sku,
                    taken.warehouse,
                    held=-taken.quantity,
                    allocated=taken.quantity if state == "confirmed" else 0,
                )
                for ident, lines in kept.items()
                for taken in lines
            ],
            now,
        )
        return kept

    async def lines(self, tx: Transaction, idents: Collection[UUID]) -> Mapping[UUID, list[Taken]]:
        """What holds keep, by hold."""
        kept: dict[UUID, list[Taken]] = {ident: [] for ident in idents}
        line = self._line.c
        query = (
            sa.select(line.hold, line.sku, line.warehouse, line.quantity)
            .where(line.hold.in_(idents))
            .order_by(line.hold, line.sku, line.warehouse)
        )
        for ident, sku, warehouse, quantity in await tx.execute(query):
            kept[ident].append(Taken(sku, warehouse, quantity))
        return kept
