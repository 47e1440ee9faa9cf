"""Links of recovery in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, insert, select, update

from config.connections import Transaction
from idp.credentials.recovery import RecoveryLink
from idp.storage.way_in_tables import recovery_link as table


async def add(tx: Transaction, digest: bytes, link: RecoveryLink, now: datetime) -> None:
    """Keep a new link."""
    await tx.execute(
        insert(table).values(
            token_hash=digest,
            user_id=link.user_id,
            client_id=link.client_id,
            sent_to=link.sent_to,
            created_at=now,
            expires_at=link.expires_at,
            attempts=link.attempts,
            anew=link.anew,
        )
    )


async def find(tx: Transaction, digest: bytes, now: datetime) -> RecoveryLink | None:
    """A link that may still be used, to look at."""
    row = (await tx.execute(select(table).where(*_usable(digest, now)))).one_or_none()
    return _link(row) if row is not None else None


async def claim(tx: Transaction, digest: bytes, now: datetime) -> RecoveryLink | None:
    """A link that may still be used, locked; its attempt is counted."""
    counted = update(table).where(*_usable(digest, now)).values(attempts=table.c.attempts + 1).returning(*table.c)
    row = (await tx.execute(counted)).one_or_none()
    return _link(row) if row is not None else None


async def forget_person(tx: Transaction, user_id: UUID) -> int:
    """A person is back in: none of their links works any more. Returns how many there were."""
    return (await tx.execute(delete(table).where(table.c.user_id == user_id))).rowcount


async def sweep(tx: Transaction, now: datetime) -> int:
    """Forget links whose time is over. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.expires_at <= now))).rowcount


def _usable(digest: bytes, now: datetime) -> tuple[Any, ...]:
    return (table.c.token_hash == digest, table.c.expires_at > now)


def _link(row: Row[tuple[Any, ...]]) -> RecoveryLink:
    return RecoveryLink(
        user_id=row.user_id,
        client_id=row.client_id,
        sent_to=row.sent_to,
        expires_at=row.expires_at,
        attempts=row.attempts,
        anew=row.anew,
    )
