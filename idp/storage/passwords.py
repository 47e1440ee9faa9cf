"""Passwords in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.storage.directory_tables import password as table

_HASH = select(table.c.hash).where(table.c.user_id == bindparam("user_id"))


async def password_hash(tx: Transaction, user_id: UUID) -> str | None:
    """The hash of the person's password; `None` where they have none."""
    found: str | None = (await tx.execute(_HASH, {"user_id": user_id})).scalar_one_or_none()
    return found


async def changed_at(tx: Transaction, user_id: UUID) -> datetime | None:
    """When the person's password was last changed; `None` where they have none."""
    query = select(table.c.changed_at).where(table.c.user_id == user_id)
    found: datetime | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def replace_hash(tx: Transaction, user_id: UUID, old: str, new: str) -> bool:
    """Put a stronger hash of the same password in place. False where the password has changed since."""
    changed = await tx.execute(
        update(table).where(table.c.user_id == user_id, table.c.hash == old).values(hash=new).returning(table.c.user_id)
    )
    return changed.one_or_none() is not None


async def put_password(tx: Transaction, user_id: UUID, new: str, now: datetime) -> None:
    """Keep the hash of a new password."""
    changing = {"hash": new, "changed_at": now, "breached_at": None}
    await tx.execute(
        upsert(table)
        .values(user_id=user_id, **changing)
        .on_conflict_do_update(index_elements=["user_id"], set_=changing)
    )


async def breached_since(tx: Transaction, user_id: UUID, now: datetime) -> datetime:
    """Keep that the person's password was found among leaked ones, and give when it first was."""
    keeping = (
        update(table).where(table.c.user_id == user_id).values(breached_at=func.coalesce(table.c.breached_at, now))
    )
    found: datetime | None = (await tx.execute(keeping.returning(table.c.breached_at))).scalar_one_or_none()
    return found or now
