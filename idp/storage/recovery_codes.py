"""Saved recovery codes in PostgreSQL (S7: what mints a right is consumed there)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select

from config.connections import Transaction
from idp.storage.recovery_code_tables import recovery_code as table


async def replace(tx: Transaction, user_id: UUID, digests: Collection[bytes], now: datetime) -> None:
    """Keep new codes; the person's earlier ones are gone. None: they have no codes any more."""
    await tx.execute(delete(table).where(table.c.user_id == user_id))
    if digests:
        rows = [{"user_id": user_id, "digest": digest, "made_at": now} for digest in digests]
        await tx.execute(insert(table), rows)


async def consume(tx: Transaction, user_id: UUID, digest: bytes) -> bool:
    """Use a code up. True once, for exactly one of many at once."""
    consumed = await tx.execute(
        delete(table).where(table.c.user_id == user_id, table.c.digest == digest).returning(table.c.user_id)
    )
    return consumed.one_or_none() is not None


async def left(tx: Transaction, user_id: UUID) -> int:
    """How many of the person's codes still work."""
    return (await tx.execute(select(func.count()).select_from(table).where(table.c.user_id == user_id))).scalar_one()
