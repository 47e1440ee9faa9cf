"""Stock in PostgreSQL: the one place where counts change, each change with its movement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from config.connections import Transaction
from config.direct import Statement
from upstreams.trade.allocation import Shelf
from upstreams.trade.stock import Kind, Level, Movement, Row
from upstreams.trade.storage import bulk
from upstreams.trade.storage.tables import TradeTables

_SUMMED = ("sku", "warehouse", "on_hand", "held", "allocated")


class StoredStock:
    """`trade.stock.Stock` in one service's schema."""

    def __init__(self, tables: TradeTables) -> None:
        self._stock = tables.stock
        self._movement = tables.stock_movement
        stock = self._stock.c
        self._to_lock = (
            sa.select(stock.sku, stock.warehouse, (stock.on_hand - stock.held - stock.allocated).label("available"))
            .order_by(stock.sku, stock.warehouse)
            .with_for_update(key_share=True, of=self._stock)
        )
        wanted = bulk.given("wanted", {"sku": sa.Text})
        self._lock = Statement(self._to_lock.join(wanted, wanted.c.sku == stock.sku))
        change = bulk.given("change", {name: stock[name].type for name in _SUMMED})
        self._change = Statement(
            sa.update(self._stock)
            .values(
                on_hand=stock.on_hand + change.c.on_hand,
                held=stock.held + change.c.held,
                allocated=stock.allocated + change.c.allocated,
                version=stock.version + 1,
            )
            .where(stock.sku == change.c.sku, stock.warehouse == change.c.warehouse)
        )
        self._note = bulk.Insertion(self._movement)

    async def lock(
        self, tx: Transaction, skus: Collection[str], *, warehouses: Collection[str] | None = None
    ) -> list[Shelf]:
        """The shelves of these things, locked until the transaction ends.

        Everybody locks in the order (sku, warehouse), so nobody waits in a circle. What has no shelf is left out.
        """
        if warehouses is None:
            return [Shelf(*row.values()) for row in await self._lock.rows(tx, all_sku=sorted(skus))]
        query = self._to_lock.where(
            self._stock.c.sku.in_(sorted(skus)), self._stock.c.warehouse.in_(sorted(warehouses))
        )
        return [Shelf(*row) for row in await tx.execute(query)]

    async def move(self, tx: Transaction, movements: Sequence[Movement], now: datetime) -> None:
        """Change counts, each row once, and write down why. The rows must be locked already.

        Raises `IntegrityError` for a count below zero, for more promised than there is, and for a cause seen before.
        """
        if not movements:
            return
        await self._change.rows(tx, **_summed(movements))
        await self._note.put(
            tx,
            kind=[one.kind for one in movements],
            cause=[one.cause for one in movements],
            sku=[one.sku for one in movements],
            warehouse=[one.warehouse for one in movements],
            on_hand=[one.on_hand for one in movements],
            held=[one.held for one in movements],
            allocated=[one.allocated for one in movements],
            at=now,
        )

    async def rows(self, tx: Transaction, sku: str) -> Sequence[Row]:
        """The rows of one thing, unlocked: whoever changes one names the version that they saw."""
        stock = self._stock.c
        query = (
            sa.select(stock.sku, stock.warehouse, stock.on_hand, stock.held, stock.allocated, stock.version)
            .where(stock.sku == sku)
            .order_by(stock.warehouse)
        )
        return [Row(*row) for row in await tx.execute(query)]

    async def adjust(self, tx: Transaction, seen: Row, on_hand: int, cause: str, now: datetime) -> bool:
        """Set what stands in one place, unless the row changed since it was seen: False then, and nothing is done.

        Raises `IntegrityError` for less than is promised.
        """
        stock = self._stock.c
        done = await tx.execute(
            sa.update(self._stock)
            .values(on_hand=on_hand, version=stock.version + 1)
            .where(stock.sku == seen.sku, stock.warehouse == seen.warehouse, stock.version == seen.version)
        )
        if not done.rowcount:
            return False
        row = {"kind": "adjust", "cause": cause, "sku": seen.sku, "warehouse": seen.warehouse, "at": now}
        change = {"on_hand": on_hand - seen.on_hand, "held": 0, "allocated": 0}
        await bulk.insert(tx, self._movement, [{**row, **change}])
        return True

    async def moved(self, tx: Transaction, cause: str, kind: Kind) -> bool:
        """Whether this cause moved anything in this way before."""
        movement = self._movement.c
        before = sa.select(movement.id).where(movement.cause == cause, movement.kind == kind).limit(1)
        return await tx.scalar(before) is not None

    async def levels(self, tx: Transaction, skus: Collection[str] | None = None) -> Mapping[str, Level]:
        """What can be had now, by thing; of everything where `skus` is None."""
        stock = self._stock.c
        query = sa.select(
            stock.sku, sa.func.sum(stock.on_hand - stock.held - stock.allocated), sa.func.sum(stock.version)
        ).group_by(stock.sku)
        if skus is not None:
            query = query.where(stock.sku.in_(sorted(skus)))
        return {sku: Level(int(available), int(version)) for sku, available, version in await tx.execute(query)}

    async def receive(
        self, tx: Transaction, cause: str, quantities: Iterable[tuple[str, str, int]], now: datetime
    ) -> int:
        """Goods arrive: (sku, warehouse, quantity). Those that this cause brought before stay as they are.

        Answers how many rows were new.
        """
        wanted = {(sku, warehouse): quantity for sku, warehouse, quantity in quantities}
        movement = self._movement.c
        known = {
            (sku, warehouse)
            for sku, warehouse in await tx.execute(
                sa.select(movement.sku, movement.warehouse).where(movement.cause == cause, movement.kind == "receive")
            )
        }
        fresh = {key: quantity for key, quantity in wanted.items() if key not in known}
        existing = {
            (sku, warehouse)
            for sku, warehouse in await tx.execute(
                sa.select(self._stock.c.sku, self._stock.c.warehouse).where(
                    self._stock.c.sku.in_(sorted({sku for sku, _ in fresh}))
                )
            )
        }
        await bulk.insert(
            tx, self._stock, [{"sku": s, "warehouse": w} for s, w in sorted(fresh) if (s, w) not in existing]
        )
        await self.lock(tx, {sku for sku, _ in fresh})
        await self.move(
            tx,
            [
                Movement("receive", cause, sku, warehouse, on_hand=quantity)
                for (sku, warehouse), quantity in fresh.items()
            ],
            now,
        )
        return len(fresh)

    async def unproven(self, tx: Transaction) -> list[tuple[str, str]]:
        """Rows whose counts their movements do not add up to: none, or something wrote past this module."""
        stock, movement = self._stock.c, self._movement.c
        counts = ("on_hand", "held", "allocated")
        query = (
            sa.select(stock.sku, stock.warehouse)
            .outerjoin_from(
                self._stock,
                self._movement,
                sa.and_(movement.sku == stock.sku, movement.warehouse == stock.warehouse),
            )
            .group_by(stock.sku, stock.warehouse)
            .having(sa.or_(*(stock[name] != sa.func.coalesce(sa.func.sum(movement[name]), 0) for name in counts)))
        )
        return [(sku, warehouse) for sku, warehouse in await tx.execute(query)]


def _summed(movements: Iterable[Movement]) -> dict[str, list[Any]]:
    """The parameters of a change: each row once."""
    sums: dict[tuple[str, str], list[int]] = {}
    for movement in movements:
        row = sums.setdefault((movement.sku, movement.warehouse), [0, 0, 0])
        row[0] += movement.on_hand
        row[1] += movement.held
        row[2] += movement.allocated
    return {
        "all_sku": [sku for sku, _ in sums],
        "all_warehouse": [warehouse for _, warehouse in sums],
        "all_on_hand": [row[0] for row in sums.values()],
        "all_held": [row[1] for row in sums.values()],
        "all_allocated": [row[2] for row in sums.values()],
    }
