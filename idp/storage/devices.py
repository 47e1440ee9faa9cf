"""Devices in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, delete, exists, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.devices.device import Device
from idp.storage.directory_tables import device as table
from idp.storage.protocol_tables import login

_COLUMNS = [column for column in table.c if column.name != "cookie_hash"]

_ADD = upsert(table)
_MEET = _ADD.on_conflict_do_update(
    index_elements=["cookie_hash", "user_id"], set_={"last_seen_at": _ADD.excluded.last_seen_at}
).returning(*_COLUMNS)
_CHANGE = update(table).where(table.c.id == bindparam("device_id"))


async def find(tx: Transaction, user_id: UUID, cookie_hash: bytes) -> Device | None:
    """The device of a cookie with this person."""
    query = select(*_COLUMNS).where(table.c.user_id == user_id, table.c.cookie_hash == cookie_hash)
    row = (await tx.execute(query)).one_or_none()
    return _device(row) if row is not None else None


async def get(tx: Transaction, device_id: UUID) -> Device | None:
    """One device."""
    row = (await tx.execute(select(*_COLUMNS).where(table.c.id == device_id))).one_or_none()
    return _device(row) if row is not None else None


async def meet(tx: Transaction, device: Device, cookie_hash: bytes) -> Device:
    """Keep a device that was not met before, or find it, if another transaction was first; locked."""
    values = {column.name: getattr(device, column.name) for column in _COLUMNS}
    return _device((await tx.execute(_MEET, {**values, "cookie_hash": cookie_hash})).one())


async def change(tx: Transaction, device: Device) -> None:
    """Keep what changed in a device that was met in this transaction."""
    values = {
        "device_id": device.id,
        "trust": device.trust,
        "label": device.label,
        "sign_ins": device.sign_ins,
        "last_seen_at": device.last_seen_at,
    }
    await tx.execute(_CHANGE, values)


async def of(tx: Transaction, user_id: UUID) -> list[Device]:
    """The person's devices, the one last seen first."""
    query = select(*_COLUMNS).where(table.c.user_id == user_id).order_by(table.c.last_seen_at.desc(), table.c.id)
    return [_device(row) for row in await tx.execute(query)]


async def owned(tx: Transaction, user_id: UUID, device_id: UUID) -> Device | None:
    """One device, if it is this person's."""
    query = select(*_COLUMNS).where(table.c.id == device_id, table.c.user_id == user_id)
    row = (await tx.execute(query)).one_or_none()
    return _device(row) if row is not None else None


async def rename(tx: Transaction, user_id: UUID, device_id: UUID, name: str | None) -> bool:
    """Call a device of this person something else; `None`: as the browser says. False where they have none such."""
    renamed = await tx.execute(
        update(table).where(table.c.id == device_id, table.c.user_id == user_id).values(name=name).returning(table.c.id)
    )
    return renamed.one_or_none() is not None


async def remove(tx: Transaction, user_id: UUID, device_id: UUID) -> bool:
    """Forget a device of this person: its cookie is a stranger's, and its browser is not remembered."""
    removed = await tx.execute(
        delete(table).where(table.c.id == device_id, table.c.user_id == user_id).returning(table.c.id)
    )
    return removed.one_or_none() is not None


async def forget_unused(tx: Transaction, before: datetime, limit: int) -> int:
    """Forget some devices where nobody signed in, last seen before a moment. Returns how many.

    Of whoever is about to sign in nothing is forgotten: their login may have met such a device.
    """
    signing_in = exists().where(login.c.user_id == table.c.user_id)
    gone = (
        select(table.c.id)
        .where(table.c.sign_ins == 0, table.c.last_seen_at < before, ~signing_in)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).scalar_subquery()
    return (await tx.execute(delete(table).where(table.c.id.in_(gone)))).rowcount


def _device(row: Row[tuple[Any, ...]]) -> Device:
    return Device(**row._mapping)
