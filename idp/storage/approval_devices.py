"""Devices that approve, in PostgreSQL (migration 0066)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.factors.push_approval import MOST_DEVICES, ApprovalDevice
from idp.storage.approval_tables import approval_device as table
from idp.storage.directory_tables import device, user_account


async def add(tx: Transaction, approving: ApprovalDevice) -> bool:
    """Keep a new one, in place of another of the same browser. False: the person has as many as they may.

    The person is locked, so that several at once are counted one after the other.
    """
    await tx.execute(select(user_account.c.id).where(user_account.c.id == approving.user_id).with_for_update())
    others = select(func.count()).where(table.c.user_id == approving.user_id, table.c.device_id != approving.device_id)
    if (await tx.execute(others)).scalar_one() >= MOST_DEVICES:
        return False
    await tx.execute(delete(table).where(table.c.device_id == approving.device_id))
    values = {column.name: getattr(approving, column.name) for column in table.c}
    kept = await tx.execute(upsert(table).values(**values).on_conflict_do_nothing().returning(table.c.id))
    return kept.one_or_none() is not None


async def of(tx: Transaction, user_id: UUID) -> list[ApprovalDevice]:
    """A person's, the oldest first."""
    query = select(table).where(table.c.user_id == user_id).order_by(table.c.created_at, table.c.id)
    return [ApprovalDevice(**row._mapping) for row in await tx.execute(query)]


async def in_browser(tx: Transaction, cookie_hash: bytes) -> list[ApprovalDevice]:
    """Those of a browser, by its device cookie: one for each person who uses it and may sign in."""
    query = (
        select(table)
        .join(device, device.c.id == table.c.device_id)
        .join(user_account, user_account.c.id == table.c.user_id)
        .where(device.c.cookie_hash == cookie_hash, user_account.c.state == "active")
        .order_by(table.c.created_at, table.c.id)
    )
    return [ApprovalDevice(**row._mapping) for row in await tx.execute(query)]


async def rename(tx: Transaction, user_id: UUID, ident: UUID, label: str) -> bool:
    """Call one of a person's otherwise. False: there is none."""
    theirs = update(table).where(table.c.id == ident, table.c.user_id == user_id)
    return (await tx.execute(theirs.values(label=label).returning(table.c.id))).one_or_none() is not None


async def subscribe(tx: Transaction, ident: UUID, sealed: bytes, host: str) -> None:
    """Where its pushes go from now on."""
    await tx.execute(update(table).where(table.c.id == ident).values(sealed_subscription=sealed, push_host=host))


async def used(tx: Transaction, ident: UUID, now: datetime) -> None:
    """It answered."""
    await tx.execute(update(table).where(table.c.id == ident).values(last_used_at=now))


async def remove(tx: Transaction, user_id: UUID, ident: UUID) -> bool:
    """Forget one of a person's. False: there is none."""
    gone = delete(table).where(table.c.id == ident, table.c.user_id == user_id).returning(table.c.id)
    return (await tx.execute(gone)).one_or_none() is not None
