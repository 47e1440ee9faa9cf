"""Stock in PostgreSQL: the one place where counts change, each change with its movement."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from config.connections import Transaction
from upstreams.trade.allocation import Shelf
from upstreams.trade.stock import Kind, Level, Movement, Row
from upstreams.trade.storage import bulk
from upstreams.trade.storage.tables import TradeTables


class StoredStock:
    """`trade.stock.Stock` in one service's schema."""

    def __init__(self, tables: TradeTables) -> None:
        self._stock = tables.stock
        self._movement = tables.stock_movement

    async def lock(
        self, tx: Transaction, skus: Collection[str], *, warehouses: Collection[str] | None = None
    ) -> list[Shelf]:
        """The shelves of these things, locked until the transaction ends.

        Everybody locks in the order (sku, warehouse), so nobody waits in a circle. What has no shelf is left out.
        """
        stock = self._stock.c
        query = (
            sa.select(stock.sku, stock.warehouse, stock.on_hand - stock.held - stock.allocated)
            .where(stock.sku.in_(sorted(skus)))
            .order_by(stock.sku, stock.warehouse)
            .with_for_update(key_share=True)
        )
        if warehouses is not None:
            query = query.where(stock.warehouse.in_(sorted(warehouses)))
        return [Shelf(*row) for row in await tx.execute(query)]

    async def move(self, tx: Transaction, movements: Sequence[Movement], now: datetime) -> None:
        """Change counts, each row once, and write down why. The rows must be locked already.

        Raises `IntegrityError` for a count below zero, for more promised than there is, and for a cause seen before.
        """
        if not movements:
            return
        change = _summed(movements)
        stock = self._stock.c
        await tx.execute(
            sa.update(self._stock)
            .values(
                on_hand=stock.on_hand + change.c.on_hand,
                held=stock.held + change.c.held,
                allocated=stock.allocated + change.c.allocated,
                version=stock.version + 1,
            )
            .where(stock.sku == change.c.sku, stock.warehouse == change.c.warehouse)
        )
        await bulk.insert(
            tx,
            self._movement,
            [
                {
                    "kind": movement.kind,
                    "cause": movement.cause,
                    "sku": movement.sku,
                    "warehouse": movement.warehouse,
                    "on_hand": movement.on_hand,
                    "held": movement.held,
                    "allocated": movement.allocated,
                    "at": now,
                }
                for movement in movements
            ],
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


def _summed(movements: Iterable[Movement]) -> sa.TableValuedAlias:
    sums: dict[tuple[str, str], list[int]] = {}
    for movement in movements:
        row = sums.setdefault((movement.sku, movement.warehouse), [0, 0, 0])
        row[0] += movement.on_hand
        row[1] += movement.held
        row[2] += movement.allocated
    return bulk.rows(
        "change",
        {
            "sku": (sa.Text, [sku for sku, _ in sums]),
            "warehouse": (sa.Text, [warehouse for _, warehouse in sums]),
            "on_hand": (sa.Integer, [row[0] for row in sums.values()]),
            "held": (sa.Integer, [row[1] for row in sums.values()]),
            "allocated": (sa.Integer, [row[2] for row in sums.values()]),
        },
    )
