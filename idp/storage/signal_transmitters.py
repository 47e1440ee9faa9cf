"""Whom an organisation listens to, in PostgreSQL (migration 0025)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update

from config.connections import Transaction
from idp.sessions.received.transmitter import Effects, Transmitter
from idp.storage.directory_tables import organisation
from idp.storage.received_tables import signal_transmitter as table

LONGEST_PROBLEM = 500
_EFFECTS = ("session_revoked", "credential_change", "device_compliance_change")
_UNSEEN = ("poll_due_at",)
_OWN = ("received_at", "problem", "problem_at", "poll_failures")
"""What nobody sets but who takes events."""

_CLAIM_POLLS = text(
    """
    UPDATE idp.signal_transmitter SET poll_due_at = :lease
    WHERE id IN (
        SELECT id FROM idp.signal_transmitter
        WHERE delivery = 'poll' AND status = 'enabled' AND poll_due_at <= :now
        ORDER BY poll_due_at LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING *
    """
)


async def find(tx: Transaction, transmitter_id: UUID) -> Transmitter | None:
    """One, of whatever organisation."""
    row = (await tx.execute(select(table).where(table.c.id == transmitter_id))).mappings().one_or_none()
    return _transmitter(row) if row is not None else None


async def all_of(tx: Transaction, organisation_id: UUID) -> Sequence[Transmitter]:
    """Those of an organisation, oldest first."""
    query = select(table).where(table.c.organisation_id == organisation_id).order_by(table.c.created_at, table.c.id)
    return [_transmitter(row) for row in (await tx.execute(query)).mappings()]


async def claim(tx: Transaction, organisation_id: UUID, transmitter_id: UUID) -> Transmitter | None:
    """One of this organisation, which nobody else changes before this transaction is over."""
    query = (
        select(table)
        .where(table.c.id == transmitter_id, table.c.organisation_id == organisation_id)
        .with_for_update(key_share=True)
    )
    row = (await tx.execute(query)).mappings().one_or_none()
    return _transmitter(row) if row is not None else None


async def count(tx: Transaction, organisation_id: UUID) -> int:
    """How many an organisation has. Nobody else can add one to them before this transaction is over."""
    await tx.execute(
        select(organisation.c.id).where(organisation.c.id == organisation_id).with_for_update(key_share=True)
    )
    query = select(func.count()).select_from(table).where(table.c.organisation_id == organisation_id)
    return int((await tx.execute(query)).scalar_one())


async def is_another(tx: Transaction, transmitter: Transmitter) -> bool:
    """Whether the organisation has another one of this issuer and audience. Ask after `count` or `claim`."""
    query = select(table.c.id).where(
        table.c.organisation_id == transmitter.organisation_id,
        table.c.issuer == transmitter.issuer,
        table.c.audience == transmitter.audience,
        table.c.id != transmitter.id,
    )
    return (await tx.execute(query)).first() is not None


async def add(tx: Transaction, transmitter: Transmitter) -> None:
    """Keep a new one."""
    await tx.execute(insert(table).values(**_row(transmitter), poll_due_at=transmitter.created_at))


async def change(tx: Transaction, transmitter: Transmitter, now: datetime) -> None:
    """Keep what an administrator changed in a claimed one; it is polled at once."""
    values = {name: value for name, value in _row(transmitter).items() if name not in _OWN}
    await tx.execute(
        update(table).where(table.c.id == transmitter.id).values(**values, poll_due_at=now, poll_failures=0)
    )


async def remove(tx: Transaction, transmitter_id: UUID) -> None:
    """It is gone, with all that it said: devices that it distrusted are trusted as before."""
    await tx.execute(delete(table).where(table.c.id == transmitter_id))


async def received(tx: Transaction, transmitter_id: UUID, now: datetime) -> None:
    """Something of it was taken."""
    await tx.execute(update(table).where(table.c.id == transmitter_id).values(received_at=now))


async def went_wrong(tx: Transaction, transmitter_id: UUID, problem: str, now: datetime) -> None:
    """Something of it was refused, or it could not be asked."""
    kept = problem.replace("\0", "")[:LONGEST_PROBLEM]
    await tx.execute(update(table).where(table.c.id == transmitter_id).values(problem=kept, problem_at=now))


async def claim_polls(tx: Transaction, now: datetime, lease: datetime, limit: int) -> Sequence[Transmitter]:
    """Some that are due to be polled, nobody else's until `lease`."""
    rows = (await tx.execute(_CLAIM_POLLS, {"now": now, "lease": lease, "limit": limit})).mappings()
    return [_transmitter(row) for row in rows]


async def polled(tx: Transaction, transmitter: Transmitter, due_at: datetime, failures: int) -> None:
    """When it is polled next, and how often in a row it could not be."""
    await tx.execute(
        update(table)
        .where(table.c.id == transmitter.id, table.c.version == transmitter.version)
        .values(poll_due_at=due_at, poll_failures=failures)
    )


def _row(transmitter: Transmitter) -> dict[str, Any]:
    row = {name: getattr(transmitter, name) for name in Transmitter.__slots__ if name != "effects"}
    return {**row, **{f"on_{name}": getattr(transmitter.effects, name) for name in _EFFECTS}}


def _transmitter(row: Mapping[Any, Any]) -> Transmitter:
    effects = Effects(**{name: row[f"on_{name}"] for name in _EFFECTS})
    unseen = {*_UNSEEN, *(f"on_{name}" for name in _EFFECTS)}
    return Transmitter(effects=effects, **{name: value for name, value in row.items() if name not in unseen})
