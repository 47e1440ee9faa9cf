"""The keeping of stock in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from config.connections import Transaction
from upstreams.commerce.stocking.forecast import WINDOW, Forecast, Rule
from upstreams.commerce.stocking.keeping import Low, Moved, Sold, Wrong
from upstreams.commerce.storage.stock_tables import low_stock_rule, stock_proof, stock_warning
from upstreams.commerce.storage.tables import purchase, trade
from upstreams.trade.storage import bulk

_COUNTS = ("on_hand", "held", "allocated")


class StoredKeeping:
    """`commerce.stocking.keeping.Keeping` in schema `commerce`."""

    async def warehouses(self, tx: Transaction, seller: UUID | None) -> Mapping[str, UUID]:
        """Warehouses and whose they are; of one seller, or all."""
        one = trade.warehouse.c
        query = sa.select(one.code, one.seller).order_by(one.code)
        if seller is not None:
            query = query.where(one.seller == seller)
        return {row.code: row.seller for row in await tx.execute(query)}

    async def sold(
        self, tx: Transaction, since: datetime, *, sku: str | None, warehouses: Sequence[str] | None
    ) -> Sequence[Sold]:
        """How things sold since a moment, by days that end at the hour of that moment."""
        stock, moved = trade.stock.c, trade.stock_movement.c
        day = sa.func.floor(sa.extract("epoch", moved.at - since) / 86400)
        each = (
            sa.select(moved.sku, moved.warehouse, day.label("day"), sa.func.sum(moved.allocated).label("sold"))
            .where(moved.at >= since, moved.kind.in_(("confirm", "allocate", "cancel")))
            .group_by(moved.sku, moved.warehouse, day)
        )
        first = sa.select(moved.sku, moved.warehouse, sa.func.min(moved.at).label("at")).group_by(
            moved.sku, moved.warehouse
        )
        rows = sa.select(stock.sku, stock.warehouse, stock.on_hand - stock.held - stock.allocated)
        if sku is not None:
            rows, each, first = (
                rows.where(stock.sku == sku),
                each.where(moved.sku == sku),
                first.where(moved.sku == sku),
            )
        if warehouses is not None:
            rows = rows.where(stock.warehouse.in_(warehouses))
        counts: dict[tuple[str, str], list[int]] = {}
        for row in await tx.execute(each):
            days = counts.setdefault((row.sku, row.warehouse), [0] * WINDOW)
            days[WINDOW - 1 - min(max(int(row.day), 0), WINDOW - 1)] += int(row.sold)
        known = {(row.sku, row.warehouse): row.at for row in await tx.execute(first)}
        return [
            Sold(
                one,
                warehouse,
                int(available),
                counts.get((one, warehouse), []),
                WINDOW - max((known[one, warehouse] - since).days, 0) if (one, warehouse) in known else WINDOW,
            )
            for one, warehouse, available in await tx.execute(rows.order_by(stock.sku, stock.warehouse))
        ]

    async def rules(self, tx: Transaction) -> Mapping[str, Rule]:
        """The rules of things that have one of their own."""
        return {row.sku: Rule(row.threshold, row.lead_days) for row in await tx.execute(sa.select(low_stock_rule))}

    async def put_rule(self, tx: Transaction, sku: str, rule: Rule) -> bool:
        """Set when a thing is low; False where there is no such thing."""
        values = {"threshold": rule.threshold, "lead_days": rule.lead_days}
        try:
            async with tx.begin_nested():
                await tx.execute(
                    insert(low_stock_rule)
                    .values(sku=sku, **values)
                    .on_conflict_do_update(index_elements=["sku"], set_=values)
                )
        except IntegrityError:
            return False
        return True

    async def warn(self, tx: Transaction, low: Sequence[tuple[str, str, Forecast]], now: datetime) -> tuple[int, int]:
        """These run low, and nothing else does: raise what is new, end what is over. Answers how many of each."""
        await tx.execute(sa.text("LOCK TABLE commerce.stock_warning IN SHARE ROW EXCLUSIVE MODE"))
        one = stock_warning.c
        open_ = {
            (row.sku, row.warehouse)
            for row in await tx.execute(sa.select(one.sku, one.warehouse).where(one.cleared_at.is_(None)))
        }
        now_low = {(sku, warehouse): forecast for sku, warehouse, forecast in low}
        over = sorted(open_ - set(now_low))
        if over:
            await tx.execute(
                sa.update(stock_warning)
                .values(cleared_at=now)
                .where(one.cleared_at.is_(None), sa.tuple_(one.sku, one.warehouse).in_(over))
            )
        fresh = sorted(set(now_low) - open_)
        await bulk.insert(
            tx,
            stock_warning,
            [
                {
                    "sku": sku,
                    "warehouse": warehouse,
                    "available": now_low[sku, warehouse].available,
                    "per_day": now_low[sku, warehouse].per_day,
                    "days_left": now_low[sku, warehouse].days_left,
                    "raised_at": now,
                }
                for sku, warehouse in fresh
            ],
        )
        return len(fresh), len(over)

    async def warnings(self, tx: Transaction, warehouses: Sequence[str] | None) -> Sequence[Low]:
        """What runs low now, the shortest first."""
        one = stock_warning.c
        query = (
            sa.select(one.sku, one.warehouse, one.available, one.per_day, one.days_left, one.raised_at)
            .where(one.cleared_at.is_(None))
            .order_by(one.days_left.asc().nulls_last(), one.available, one.sku, one.warehouse)
        )
        if warehouses is not None:
            query = query.where(one.warehouse.in_(warehouses))
        return [Low(*row) for row in await tx.execute(query)]

    async def movements(
        self, tx: Transaction, sku: str, warehouses: Sequence[str], *, before: int | None, limit: int
    ) -> Sequence[Moved]:
        """How counts came about, the newest first."""
        one = trade.stock_movement.c
        query = (
            sa.select(one.id, one.kind, one.cause, one.sku, one.warehouse, one.on_hand, one.held, one.allocated, one.at)
            .where(one.sku == sku, one.warehouse.in_(warehouses))
            .order_by(one.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(one.id < before)
        return [Moved(*row) for row in await tx.execute(query)]

    async def wrong(self, tx: Transaction) -> Sequence[Wrong]:
        """Every count that is not what its movements and holds add up to."""
        stock, moved = trade.stock.c, trade.stock_movement.c
        sums = (
            sa.select(moved.sku, moved.warehouse, *(sa.func.sum(moved[name]).label(name) for name in _COUNTS))
            .group_by(moved.sku, moved.warehouse)
            .cte("sums")
        )
        line = trade.hold_line.c
        kept = (
            sa.select(line.sku, line.warehouse, sa.func.sum(line.quantity - line.given_back).label("held"))
            .join(trade.hold, trade.hold.c.id == line.hold)
            .where(trade.hold.c.state == "held")
            .group_by(line.sku, line.warehouse)
            .cte("kept")
        )
        query = (
            sa.select(
                stock.sku,
                stock.warehouse,
                *(stock[name] for name in _COUNTS),
                *(sa.func.coalesce(sums.c[name], 0).label(f"proven_{name}") for name in _COUNTS),
                sa.func.coalesce(kept.c.held, 0).label("proven_holds"),
            )
            .outerjoin_from(trade.stock, sums, _same(sums))
            .outerjoin(kept, _same(kept))
            .order_by(stock.sku, stock.warehouse)
        )
        found = []
        for row in await tx.execute(query):
            for name in (*_COUNTS, "holds"):
                counted = int(getattr(row, "held" if name == "holds" else name))
                proven = int(getattr(row, f"proven_{name}"))
                if counted != proven:
                    found.append(Wrong(row.sku, row.warehouse, name, counted, proven))
        return found

    async def prove(self, tx: Transaction, wrong: Sequence[Wrong], now: datetime) -> None:
        """Write down what a proof found, with how much it looked at."""
        rows = sa.select(sa.func.count()).select_from(trade.stock).scalar_subquery()
        movements = sa.select(sa.func.count()).select_from(trade.stock_movement).scalar_subquery()
        values = {"at": now, "rows": rows, "movements": movements, "wrong": msgspec.to_builtins(wrong)}
        await tx.execute(sa.insert(stock_proof).values(values))

    async def proofs(self, tx: Transaction, *, limit: int) -> Sequence[Mapping[str, Any]]:
        """The last proofs, the newest first."""
        one = stock_proof.c
        query = sa.select(one.id, one.at, one.rows, one.movements, one.wrong).order_by(one.id.desc()).limit(limit)
        return [{str(name): value for name, value in row._mapping.items()} for row in await tx.execute(query)]

    async def proven_at(self, tx: Transaction) -> datetime | None:
        """When the last proof was."""
        at: datetime | None = await tx.scalar(sa.select(sa.func.max(stock_proof.c.at)))
        return at

    async def expired(self, tx: Transaction, now: datetime, *, limit: int) -> Sequence[UUID]:
        """Holds whose time is over and which no purchase has, locked; what others have locked is theirs to end."""
        hold = trade.hold.c
        query = (
            sa.select(hold.id)
            .where(hold.state == "held", hold.expires_at <= now, ~sa.exists().where(purchase.c.hold == hold.id))
            .order_by(hold.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True, key_share=True)
        )
        return (await tx.scalars(query)).all()


def _same(other: sa.CTE) -> sa.ColumnElement[bool]:
    return sa.and_(other.c.sku == trade.stock.c.sku, other.c.warehouse == trade.stock.c.warehouse)
