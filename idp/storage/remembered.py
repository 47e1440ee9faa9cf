"""Remembered browsers in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.credentials.remembered import Remembered, RememberedBrowser
from idp.storage.directory_tables import device
from idp.storage.way_in_tables import remembered_browser as table


async def remember(tx: Transaction, remembered: Remembered) -> None:
    """Keep a browser in the place of what was remembered for the same person on the same device."""
    values = _row(remembered)
    await tx.execute(
        upsert(table).values(**values).on_conflict_do_update(index_elements=["user_id", "device_id"], set_=values)
    )


async def find(tx: Transaction, series: UUID, now: datetime) -> Remembered | None:
    """One that may still be used, to look at."""
    query = select(table).where(table.c.series == series, table.c.expires_at > now)
    row = (await tx.execute(query)).one_or_none()
    return _remembered(row) if row is not None else None


async def claim(tx: Transaction, series: UUID, now: datetime) -> Remembered | None:
    """One that may still be used, locked against its rotation and its end."""
    query = select(table).where(table.c.series == series, table.c.expires_at > now).with_for_update()
    row = (await tx.execute(query)).one_or_none()
    return _remembered(row) if row is not None else None


async def rotate(tx: Transaction, remembered: Remembered) -> None:
    """Keep what changed in a claimed one: its next secret, or that the browser has it."""
    await tx.execute(update(table).where(table.c.series == remembered.series).values(**_row(remembered)))


async def remembered_of(tx: Transaction, user_id: UUID, now: datetime) -> list[RememberedBrowser]:
    """A person's remembered browsers, the last used one first.

    One on a device where the person never got a session (a second factor did not follow) is not theirs, and not shown.
    """
    query = (
        select(
            table.c.series,
            table.c.device_id,
            device.c.label,
            table.c.created_at,
            table.c.last_used_at,
            table.c.expires_at,
        )
        .join(device, device.c.id == table.c.device_id)
        .where(table.c.user_id == user_id, table.c.expires_at > now, device.c.sign_ins > 0)
        .order_by(table.c.last_used_at.desc(), table.c.series)
    )
    return [RememberedBrowser(**row._mapping) for row in await tx.execute(query)]


async def forget(tx: Transaction, user_id: UUID, series: UUID) -> bool:
    """Forget one of a person's. False: there is none."""
    gone = await tx.execute(delete(table).where(table.c.user_id == user_id, table.c.series == series))
    return gone.rowcount > 0


async def forget_device(tx: Transaction, device_id: UUID) -> int:
    """Forget what is remembered on one device. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.device_id == device_id))).rowcount


async def forget_person(tx: Transaction, user_id: UUID) -> int:
    """Forget all of a person's: after a change of the password, a lock, "not me", a sign-out everywhere."""
    return (await tx.execute(delete(table).where(table.c.user_id == user_id))).rowcount


async def sweep(tx: Transaction, now: datetime) -> int:
    """Forget whose time is over. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.expires_at <= now))).rowcount


def _row(remembered: Remembered) -> dict[str, Any]:
    return {column.name: getattr(remembered, column.name) for column in table.c}


def _remembered(row: Row[tuple[Any, ...]]) -> Remembered:
    return Remembered(**row._mapping)
