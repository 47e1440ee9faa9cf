"""Streams of shared signals in PostgreSQL (migration 0013)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update

from config.connections import Transaction
from idp.sessions.signals.stream import Stream
from idp.storage.end_tables import delivery, signal_removed_subject
from idp.storage.end_tables import signal_stream as table

_REMOVE = text(
    """
    INSERT INTO idp.signal_removed_subject (stream_id, user_id, removed_at)
    SELECT :stream_id, id, :now FROM idp.user_account WHERE id = :user_id
    ON CONFLICT DO NOTHING
    """
)


async def add(tx: Transaction, stream: Stream) -> None:
    """Keep a new stream."""
    await tx.execute(insert(table).values(**_row(stream)))


async def count(tx: Transaction, client_id: str) -> int:
    """How many streams a client has. Nobody else can add one to them before this transaction is over."""
    await tx.execute(
        text("SELECT FROM idp.client WHERE client_id = :client_id FOR NO KEY UPDATE"), {"client_id": client_id}
    )
    query = select(func.count()).select_from(table).where(table.c.client_id == client_id)
    return int((await tx.execute(query)).scalar_one())


async def all_of(tx: Transaction, client_id: str) -> list[Stream]:
    """The streams of a client, oldest first."""
    query = select(table).where(table.c.client_id == client_id).order_by(table.c.created_at, table.c.id)
    return [_stream(row) for row in (await tx.execute(query)).mappings()]


async def claim(tx: Transaction, client_id: str, stream_id: UUID) -> Stream | None:
    """One stream of this very client, which nobody else changes before this transaction is over."""
    query = select(table).where(table.c.id == stream_id, table.c.client_id == client_id).with_for_update(key_share=True)
    row = (await tx.execute(query)).mappings().one_or_none()
    return _stream(row) if row is not None else None


async def change(tx: Transaction, stream: Stream) -> None:
    """Keep what changed in a claimed stream. One that is disabled holds nothing any more (SSF 1.0, section 8.1.2)."""
    await tx.execute(update(table).where(table.c.id == stream.id).values(**_row(stream)))
    if stream.status == "disabled":
        await tx.execute(delete(delivery).where(delivery.c.stream_id == stream.id, delivery.c.settled_at.is_(None)))


async def remove(tx: Transaction, client_id: str, stream_id: UUID) -> bool:
    """A stream and all that it held are gone. False where this client has no such stream."""
    result = await tx.execute(delete(table).where(table.c.id == stream_id, table.c.client_id == client_id))
    return result.rowcount > 0


async def remove_subject(tx: Transaction, stream_id: UUID, user_id: UUID, now: datetime) -> None:
    """Tell a stream nothing more of a person. Of whoever does not exist nothing is kept."""
    await tx.execute(_REMOVE, {"stream_id": stream_id, "user_id": user_id, "now": now})


async def add_subject(tx: Transaction, stream_id: UUID, user_id: UUID) -> None:
    """Tell a stream of a person (again)."""
    removed = signal_removed_subject.c
    await tx.execute(delete(signal_removed_subject).where(removed.stream_id == stream_id, removed.user_id == user_id))


def _row(stream: Stream) -> dict[str, Any]:
    row = {name: getattr(stream, name) for name in Stream.__slots__}
    row["events_requested"] = list(stream.events_requested)
    return row


def _stream(row: Mapping[Any, Any]) -> Stream:
    return Stream(**{**row, "events_requested": tuple(row["events_requested"])})
