"""Questions to upstreams that wait for their answers, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select

from config.connections import Transaction
from idp.federation.question import Attempt
from idp.storage.upstream_tables import upstream_attempt as table

KEPT = 8
"""Of one login or session: each tab has its own, and whoever begins again and again does not fill the table."""


async def add(tx: Transaction, attempt: Attempt) -> None:
    """Keep one; of many of one login or session the latest few are kept."""
    column, value = (table.c.sid, attempt.sid) if attempt.login_id is None else (table.c.login_id, attempt.login_id)
    latest = (
        select(table.c.state_hash)
        .where(column == value)
        .order_by(table.c.created_at.desc(), table.c.state_hash)
        .limit(KEPT - 1)
    )
    await tx.execute(delete(table).where(column == value, table.c.state_hash.not_in(latest)))
    await tx.execute(insert(table).values(**{name.name: getattr(attempt, name.name) for name in table.c}))


async def find(tx: Transaction, state_hash: bytes, now: datetime) -> Attempt | None:
    """One that waits; it goes on waiting."""
    query = select(table).where(table.c.state_hash == state_hash, table.c.expires_at > now)
    row = (await tx.execute(query)).one_or_none()
    return Attempt(**row._mapping) if row is not None else None


async def consume(tx: Transaction, state_hash: bytes) -> bool:
    """It waits no more. True for exactly one of many at once."""
    consumed = await tx.execute(delete(table).where(table.c.state_hash == state_hash).returning(table.c.provider_id))
    return consumed.one_or_none() is not None


async def sweep(tx: Transaction, now: datetime) -> int:
    """Forget those whose time is over. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.expires_at <= now))).rowcount
