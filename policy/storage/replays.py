"""Replays in PostgreSQL: asked for, held by one process at a time, kept for a while once they are over."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, delete, func, insert, or_, select, text, update

from config.connections import Transaction
from policy.replay import Findings
from policy.replaying import Replay
from policy.storage.tables import replay as table

_ASKING = 0x6D_72_65_70
"""The advisory lock of whoever asks for a replay ("mrep"), so that the bound holds."""
_UNFINISHED = ("waiting", "running")


class KeptReplays:
    """`policy.replaying.Replays`."""

    async def ask(self, tx: Transaction, job: Replay, most_unfinished: int) -> bool:
        await tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ASKING})
        there = await tx.scalar(select(func.count()).where(table.c.state.in_(_UNFINISHED)))
        if int(there or 0) >= most_unfinished:
            return False
        await tx.execute(insert(table).values(_values(job)))
        return True

    async def find(self, tx: Transaction, ident: UUID) -> Replay | None:
        row = (await tx.execute(select(table).where(table.c.id == ident))).one_or_none()
        return None if row is None else _replay(row)

    async def claim(self, tx: Transaction, now: datetime, until: datetime) -> Replay | None:
        free = (
            select(table.c.id)
            .where(table.c.state.in_(_UNFINISHED), or_(table.c.held_until.is_(None), table.c.held_until <= now))
            .order_by(table.c.asked_at, table.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        held = update(table).where(table.c.id == free).values(state="running", held_until=until).returning(table)
        row = (await tx.execute(held)).one_or_none()
        return None if row is None else _replay(row)

    async def keep(self, tx: Transaction, job: Replay, held_until: datetime | None) -> bool:
        ours = update(table).where(table.c.id == job.id, table.c.held_until == job.held_until)
        kept = await tx.execute(ours.values({**_values(job), "held_until": held_until}))
        return bool(kept.rowcount)

    async def forget(self, tx: Transaction, before: datetime) -> int:
        return (await tx.execute(delete(table).where(table.c.over_at < before))).rowcount


def _values(job: Replay) -> dict[str, Any]:
    return {**msgspec.structs.asdict(job), "findings": msgspec.to_builtins(job.findings)}


def _replay(row: Row[Any]) -> Replay:
    values = dict(row._mapping)
    return Replay(**{**values, "findings": msgspec.convert(values["findings"], Findings)})
