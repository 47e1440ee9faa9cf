"""Holds in PostgreSQL: stock that is promised for a while, then confirmed, released or expired, exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from config.connections import Transaction
from upstreams.trade.allocation import Line, Taken
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
        self._put_holds = bulk.Insertion(self._hold)
        self._put_lines = bulk.Insertion(self._line)

    async def open(self, tx: Transaction, holds: Sequence[Hold], now: datetime, *, cause: str) -> None:
        """Keep what was taken, in one movement of each stock row. The rows must be locked already."""
        if not holds:
            return
        await self._put_holds.put(
            tx,
            id=[hold.id for hold in holds],
            person=[hold.person for hold in holds],
            expires_at=[hold.expires_at for hold in holds],
            state="held",
            created_at=now,
        )
        taken_of: dict[tuple[str, str], int] = {}
        idents, skus, warehouses, quantities = [], [], [], []
        for hold in holds:
            for sku, warehouse, quantity in ((one.sku, one.warehouse, one.quantity) for one in hold.taken):
                idents.append(hold.id)
                skus.append(sku)
                warehouses.append(warehouse)
                quantities.append(quantity)
                taken_of[sku, warehouse] = taken_of.get((sku, warehouse), 0) + quantity
        await self._put_lines.put(tx, hold=idents, sku=skus, warehouse=warehouses, quantity=quantities)
        await self._stock.move(
            tx,
            [Movement("hold", cause, sku, warehouse, held=count) for (sku, warehouse), count in taken_of.items()],
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
        """What holds keep, by hold; without what was given back."""
        kept: dict[UUID, list[Taken]] = {ident: [] for ident in idents}
        line = self._line.c
        query = (
            sa.select(line.hold, line.sku, line.warehouse, line.quantity - line.given_back)
            .where(line.hold.in_(idents), line.quantity > line.given_back)
            .order_by(line.hold, line.sku, line.warehouse)
        )
        for ident, sku, warehouse, quantity in await tx.execute(query):
            kept[ident].append(Taken(sku, warehouse, quantity))
        return kept

    async def give_back(
        self, tx: Transaction, ident: UUID, lines: Sequence[Line], cause: str, now: datetime
    ) -> list[Taken]:
        """Give back some of what one locked hold keeps, be it held or confirmed, and answer from where it came.

        A cause gives back once: asked again, it gives nothing. A hold that was not confirmed and keeps nothing more is
        released. Raises `ValueError` for more than is kept, changing nothing.
        """
        hold = self._hold.c
        state = await tx.scalar(sa.select(hold.state).where(hold.id == ident).with_for_update(key_share=True))
        kind: Kind = "release" if state == "held" else "cancel"
        if state not in ("held", "confirmed") or await self._stock.moved(tx, cause, kind):
            return []
        kept = (await self.lines(tx, [ident]))[ident]
        given = _of_kept(kept, lines)
        if not given:
            return []
        await self._stock.lock(tx, {taken.sku for taken in given})
        field = "held" if state == "held" else "allocated"
        moves = [Movement(kind, cause, one.sku, one.warehouse, **{field: -one.quantity}) for one in given]
        await self._stock.move(tx, moves, now)
        back = bulk.rows(
            "back",
            {
                "sku": (sa.Text, [one.sku for one in given]),
                "warehouse": (sa.Text, [one.warehouse for one in given]),
                "quantity": (sa.Integer, [one.quantity for one in given]),
            },
        )
        line = self._line.c
        await tx.execute(
            sa.update(self._line)
            .values(given_back=line.given_back + back.c.quantity)
            .where(line.hold == ident, line.sku == back.c.sku, line.warehouse == back.c.warehouse)
        )
        if state == "held" and sum(one.quantity for one in given) == sum(one.quantity for one in kept):
            await tx.execute(sa.update(self._hold).values(state="released", ended_at=now).where(hold.id == ident))
        return given


def _of_kept(kept: Sequence[Taken], lines: Sequence[Line]) -> list[Taken]:
    wanted: Counter[str] = Counter()
    for line in lines:
        wanted[line.sku] += line.quantity
    given = []
    for one in kept:
        if part := min(wanted[one.sku], one.quantity):
            wanted[one.sku] -= part
            given.append(Taken(one.sku, one.warehouse, part))
    if left := +wanted:
        raise ValueError(f"that many are not kept: {', '.join(sorted(left))}")
    return given
