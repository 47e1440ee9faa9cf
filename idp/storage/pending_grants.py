"""Requests that wait for a person elsewhere, in PostgreSQL (migrations 0028 and 0030)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, delete, insert, select, update

from config.connections import Transaction
from idp.grants.pending import PendingGrant
from idp.storage.grant_tables import pending_grant as table

MOST_SHOWN: Final = 50
"""Requests of one person that a page shows at once."""
_LISTS: Final = ("scope", "acr_values", "resources")


async def add(tx: Transaction, pending: PendingGrant) -> None:
    """Keep a new one."""
    values = {name: getattr(pending, name) for name in PendingGrant.__slots__}
    values |= {"came_from": dict(pending.came_from)} | {name: list(values[name]) for name in _LISTS}
    values["interval"] = _seconds(pending.interval)
    await tx.execute(insert(table).values(**values))


async def claim(tx: Transaction, digest: bytes) -> PendingGrant | None:
    """The one of a client's code, locked: of two that claim it, the second sees what the first made of it."""
    return await _one(tx, select(table).where(table.c.code_hash == digest).with_for_update())


async def claim_by_user_code(tx: Transaction, digest: bytes) -> PendingGrant | None:
    """The one of what a person types, locked."""
    return await _one(tx, select(table).where(table.c.user_code_hash == digest).with_for_update())


async def by_user_code(tx: Transaction, digest: bytes) -> PendingGrant | None:
    """The same, to look at."""
    return await _one(tx, select(table).where(table.c.user_code_hash == digest))


async def waiting_for(tx: Transaction, user_id: UUID, now: datetime) -> list[PendingGrant]:
    """Those that a person may answer, the oldest first."""
    query = (
        select(table)
        .where(table.c.asked_of == user_id, table.c.state == "pending", table.c.expires_at > now)
        .order_by(table.c.created_at, table.c.request_id)
        .limit(MOST_SHOWN)
    )
    return [_pending(row) for row in await tx.execute(query)]


async def claim_asked(tx: Transaction, user_id: UUID, request_id: UUID) -> PendingGrant | None:
    """One that was asked of this person, locked."""
    query = select(table).where(table.c.request_id == request_id, table.c.asked_of == user_id)
    return await _one(tx, query.with_for_update())


async def save(tx: Transaction, pending: PendingGrant) -> None:
    """Keep what changed in a claimed one."""
    await tx.execute(
        update(table)
        .where(table.c.code_hash == pending.code_hash)
        .values(
            interval=_seconds(pending.interval),
            polled_at=pending.polled_at,
            state=pending.state,
            user_id=pending.user_id,
            sid=pending.sid,
        )
    )


async def redeemed(tx: Transaction, digest: bytes) -> None:
    """A claimed one has led to tokens: it is gone, and nothing comes of it a second time."""
    await tx.execute(delete(table).where(table.c.code_hash == digest))


async def lapse(tx: Transaction, now: datetime, limit: int) -> list[PendingGrant]:
    """Mark those as expired whose time is over and that nobody answered. Returns them, each once."""
    over = (
        select(table.c.code_hash)
        .where(table.c.kind == "backchannel", table.c.state == "pending", table.c.expires_at <= now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    marked = update(table).where(table.c.code_hash.in_(over)).values(state="expired").returning(table)
    return [_pending(row) for row in await tx.execute(marked)]


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget those that expired before a moment. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.expires_at < before))).rowcount


def _seconds(interval: timedelta) -> int:
    return int(interval.total_seconds())


async def _one(tx: Transaction, query: Select[Any]) -> PendingGrant | None:
    row = (await tx.execute(query)).one_or_none()
    return _pending(row) if row is not None else None


def _pending(row: Row[Any]) -> PendingGrant:
    values = dict(row._mapping)
    values |= {name: tuple(values[name]) for name in _LISTS}
    return PendingGrant(**{**values, "interval": timedelta(seconds=values["interval"])})
