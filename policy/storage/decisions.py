"""Copies of recorded decisions in PostgreSQL: blocks that are added, put together and forgotten, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, delete, func, insert, or_, select, text, true, tuple_

from config.connections import Transaction
from policy.recording.blocks import Block, Key
from policy.recording.finding import Sealed, Wanted
from policy.storage.tables import decision_block as table

_OVERLAPS = 1000
"""Blocks of one process that may lie between a record and the block that holds it: those of requests that took long."""
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('decisions ' || :segment, 0))"
_SEALED = "SELECT root, records, torn FROM audit.segment WHERE name = :name AND kind = 'file'"
_OLDEST_BEYOND = """
    DELETE FROM policy.decision_block AS old USING (
        SELECT segment, first, sum(octet_length(content)) OVER (ORDER BY to_at DESC, segment DESC, first DESC) AS so_far
        FROM policy.decision_block
    ) AS measured
    WHERE measured.so_far > :most AND (old.segment, old.first) = (measured.segment, measured.first)
"""


class RecordedDecisions:
    """`policy.recording.copying.Copies`, `policy.recording.finding.Decisions` and `policy.replaying.Blocks`."""

    async def hold(self, tx: Transaction, segment: str) -> None:
        await tx.execute(text(_LOCK), {"segment": segment})

    async def copied(self, tx: Transaction, segment: str) -> int:
        found = await tx.scalar(select(func.max(table.c.last)).where(table.c.segment == segment))
        return int(found or 0)

    async def add(self, tx: Transaction, made: Sequence[Block]) -> None:
        if made:
            await tx.execute(insert(table), [_row(block) for block in made])

    async def of_segment(self, tx: Transaction, segment: str) -> Sequence[Block]:
        found = await tx.execute(select(table).where(table.c.segment == segment).order_by(table.c.first))
        return [_block(row) for row in found]

    async def replace(self, tx: Transaction, segment: str, made: Sequence[Block]) -> None:
        await tx.execute(delete(table).where(table.c.segment == segment))
        await self.add(tx, made)

    async def forget(self, tx: Transaction, before: datetime, most: int) -> int:
        old = await tx.execute(delete(table).where(table.c.to_at < before))
        beyond = await tx.execute(text(_OLDEST_BEYOND), {"most": most})
        return old.rowcount + beyond.rowcount

    async def holding(self, tx: Transaction, key: Key) -> Sequence[Block]:
        near = (
            select(table)
            .where(table.c.beginning == key.beginning, table.c.from_count <= key.count)
            .order_by(table.c.from_count.desc())
            .limit(_OVERLAPS)
            .subquery()
        )
        return [_block(row) for row in await tx.execute(select(near).where(near.c.to_count >= key.count))]

    async def seal_of(self, tx: Transaction, segment: str) -> Sealed | None:
        row = (await tx.execute(text(_SEALED), {"name": segment})).one_or_none()
        return None if row is None else Sealed(row.root, row.records, row.torn)

    async def latest(self, tx: Transaction, wanted: Wanted, mark: tuple[datetime, str, int] | None) -> Block | None:
        order = (table.c.to_at, table.c.segment, table.c.first)
        query = select(table).where(table.c.to_at >= wanted.since, table.c.from_at < wanted.until)
        if wanted.after is not None:
            query = query.where(table.c.from_at <= func.to_timestamp(wanted.after[0]))
        if wanted.effect is not None:
            query = query.where(table.c.effects.contains([wanted.effect.value]))
        if wanted.zone:
            query = query.where(table.c.zones.contains([wanted.zone]))
        if mark is not None:
            query = query.where(tuple_(*order) < mark)
        row = (await tx.execute(query.order_by(*(column.desc() for column in order)).limit(1))).one_or_none()
        return None if row is None else _block(row)

    async def count(self, tx: Transaction, since: datetime, until: datetime) -> int:
        """How many records the blocks hold that have some of this time."""
        found = await tx.scalar(select(func.sum(table.c.records)).where(*_within(since, until)))
        return int(found or 0)

    async def following(
        self, tx: Transaction, since: datetime, until: datetime, after: tuple[str, int]
    ) -> Block | None:
        """The next block of this time that has a record behind one: by segment, and there by number."""
        segment, sequence = after
        behind = or_(table.c.segment > segment, (table.c.segment == segment) & (table.c.last > sequence))
        query = select(table).where(*_within(since, until), behind if segment else true())
        row = (await tx.execute(query.order_by(table.c.segment, table.c.first).limit(1))).one_or_none()
        return None if row is None else _block(row)


def _within(since: datetime, until: datetime) -> tuple[Any, Any]:
    return table.c.to_at >= since, table.c.from_at < until


def _row(block: Block) -> dict[str, object]:
    values = msgspec.structs.asdict(block)
    return {**values, "effects": list(block.effects), "zones": list(block.zones)}


def _block(row: Row[Any]) -> Block:
    values = dict(row._mapping)
    return Block(**{**values, "effects": tuple(values["effects"]), "zones": tuple(values["zones"])})
