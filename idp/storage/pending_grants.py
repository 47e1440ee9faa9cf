"""Requests that wait for a person elsewhere, in PostgreSQL (migration 0028)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, update

from config.connections import Transaction
from idp.grants.pending import PendingGrant
from idp.storage.grant_tables import pending_grant as table


async def add(tx: Transaction, pending: PendingGrant) -> None:
    """Keep a new one."""
    values = {name: getattr(pending, name) for name in PendingGrant.__slots__}
    values |= {"scope": list(pending.scope), "came_from": dict(pending.came_from)}
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
    return PendingGrant(
        **{**values, "scope": tuple(values["scope"]), "interval": timedelta(seconds=values["interval"])}
    )
