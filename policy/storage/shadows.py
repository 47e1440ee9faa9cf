"""Shadows in PostgreSQL; what they show is counted there by all gateways together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, text

from config.connections import Transaction
from policy.shadow import Count, Shadow
from policy.storage.tables import shadow, shadow_count

_ADD = text(
    """
    INSERT INTO policy.shadow_count AS kept (shadow, was, would_be, zone, rule, same, count, example)
    SELECT :shadow, was, would_be, zone, rule, same, count, example
    FROM unnest(
        CAST(:was AS text[]), CAST(:would_be AS text[]), CAST(:zone AS text[]), CAST(:rule AS text[]),
        CAST(:same AS boolean[]), CAST(:count AS bigint[]), CAST(:example AS text[])
    ) AS told (was, would_be, zone, rule, same, count, example)
    ORDER BY was, would_be, zone, rule, same
    ON CONFLICT (shadow, was, would_be, zone, rule, same) DO UPDATE SET count = kept.count + excluded.count
    """
)


class PolicyShadows:
    """`policy.shadow.Shadows`, and what the gateways add to."""

    async def begin(self, tx: Transaction, begun: Shadow) -> Shadow:
        told = {name: getattr(begun, name) for name in Shadow.__struct_fields__ if name != "id"}
        return _shadow((await tx.execute(insert(shadow).values(**told).returning(shadow))).one())

    async def running(self, tx: Transaction, at: datetime) -> Shadow | None:
        runs = shadow.c.ended_at.is_(None) & (shadow.c.until > at)
        row = (await tx.execute(select(shadow).where(runs).order_by(shadow.c.id.desc()).limit(1))).one_or_none()
        return None if row is None else _shadow(row)

    async def newest(self, tx: Transaction, number: int) -> Shadow | None:
        query = select(shadow).where(shadow.c.version == number).order_by(shadow.c.id.desc()).limit(1)
        row = (await tx.execute(query)).one_or_none()
        return None if row is None else _shadow(row)

    async def totals(self, tx: Transaction, number: int) -> tuple[int, int]:
        counted = func.coalesce(func.sum(shadow_count.c.count), 0)
        same = func.coalesce(func.sum(shadow_count.c.count).filter(shadow_count.c.same), 0)
        row = (await tx.execute(select(counted, same).where(shadow_count.c.shadow == number))).one()
        return int(row[0]), int(row[1])

    async def differing(self, tx: Transaction, number: int, limit: int) -> Sequence[Count]:
        columns = [shadow_count.c[name] for name in Count.__struct_fields__]
        query = select(*columns).where(shadow_count.c.shadow == number, ~shadow_count.c.same)
        ordered = query.order_by(shadow_count.c.count.desc(), *columns[:4]).limit(limit)
        return [Count(**row._mapping) for row in await tx.execute(ordered)]

    async def add(self, tx: Transaction, number: int, counts: Sequence[Count]) -> None:
        """Add what one gateway has seen since it last did."""
        told = {name: [getattr(each, name) for each in counts] for name in Count.__struct_fields__}
        await tx.execute(_ADD, {"shadow": number, **told})


def _shadow(row: Row[Any]) -> Shadow:
    return Shadow(**row._mapping)
