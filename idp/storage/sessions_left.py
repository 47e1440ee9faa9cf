"""The sessions that have not ended, by pages, in PostgreSQL."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from config.connections import Transaction
from idp.storage.directory_tables import session as table

BEFORE_ALL: Final = UUID(int=0)


async def count(tx: Transaction) -> int:
    """How many there are."""
    query = select(func.count()).select_from(table).where(table.c.ended_at.is_(None))
    return (await tx.execute(query)).scalar_one()


async def page(tx: Transaction, after: UUID, limit: int) -> tuple[list[str], UUID]:
    """Their ids, and what `after` is for the page that follows: in the order of their people, each of whom has one."""
    query = (
        select(table.c.sid, table.c.user_id)
        .where(table.c.ended_at.is_(None), table.c.user_id > after)
        .order_by(table.c.user_id)
        .limit(limit)
    )
    rows = (await tx.execute(query)).all()
    return [row.sid for row in rows], rows[-1].user_id if rows else after
