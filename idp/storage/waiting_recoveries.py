"""Recoveries that wait, in PostgreSQL (migration 0060)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.credentials.waiting_recovery import Due, Ending, WaitingRecovery
from idp.storage.directory_tables import membership, organisation
from idp.storage.way_in_tables import waiting_recovery as table

_OPEN = table.c.state.in_(("waiting", "ready"))
_TAKE = text(
    """
    WITH due AS (
        SELECT one.id, CASE
            WHEN person.state <> 'active' THEN 'locked'
            WHEN person.email IS DISTINCT FROM one.sent_to THEN 'another_address'
            WHEN EXISTS (
                SELECT FROM idp.session
                WHERE user_id = one.user_id AND 'mfa' = ANY (amr) AND authenticated_at > one.asked_at
            ) THEN 'factor_shown'
            ELSE '' END AS against
        FROM idp.waiting_recovery AS one JOIN idp.user_account AS person ON person.id = one.user_id
        WHERE one.state = 'waiting' AND one.ready_at <= :now
        ORDER BY one.ready_at LIMIT :limit
        FOR UPDATE OF one SKIP LOCKED
    )
    UPDATE idp.waiting_recovery AS one
    SET state = CASE WHEN due.against = '' THEN 'ready' ELSE 'stopped' END,
        ended_at = CASE WHEN due.against = '' THEN NULL ELSE CAST(:now AS timestamptz) END
    FROM due WHERE one.id = due.id
    RETURNING one.*, due.against
    """
)


async def wait_of(tx: Transaction, user_id: UUID) -> int | None:
    """Hours that the person's organisations want waited, the longest of them; 0: one lets nobody; None: none says."""
    own = organisation.c.recovery_wait_hours
    hours: int | None = await tx.scalar(
        select(case((func.min(own) == 0, 0), else_=func.max(own)))
        .join(membership, membership.c.organisation_id == organisation.c.id)
        .where(membership.c.user_id == user_id)
    )
    return hours


async def add(tx: Transaction, one: WaitingRecovery, stop_hash: bytes) -> bool:
    """Keep one that begins. False: the person has one that is not over."""
    values = {
        "id": one.id,
        "user_id": one.user_id,
        "state": "waiting",
        "client_id": one.client_id,
        "sent_to": one.sent_to,
        "stop_hash": stop_hash,
        "asked_from": dict(one.asked_from),
        "correlation_id": one.correlation_id,
        "asked_at": one.asked_at,
        "ready_at": one.ready_at,
        "expires_at": one.expires_at,
    }
    kept = await tx.execute(insert(table).values(values).on_conflict_do_nothing().returning(table.c.id))
    return kept.one_or_none() is not None


async def open_of(tx: Transaction, user_id: UUID) -> WaitingRecovery | None:
    """The person's, if it is not over."""
    return await _one(tx, table.c.user_id == user_id)


async def by_stop(tx: Transaction, stop_hash: bytes) -> WaitingRecovery | None:
    """The one that a link stops, if it is not over."""
    return await _one(tx, table.c.stop_hash == stop_hash)


async def end(tx: Transaction, user_id: UUID, how: Ending, now: datetime) -> bool:
    """The person's is over. False: they have none."""
    ending = update(table).where(table.c.user_id == user_id, _OPEN).values(state=how, ended_at=now)
    return (await tx.execute(ending.returning(table.c.id))).one_or_none() is not None


async def take_due(tx: Transaction, now: datetime, limit: int) -> Sequence[Due]:
    """Some whose waiting is over, each once: they are ready, or stopped where something is against them."""
    rows = await tx.execute(_TAKE, {"now": now, "limit": limit})
    return [Due(_recovery(row), row.against) for row in rows]


async def lapse(tx: Transaction, now: datetime, limit: int) -> int:
    """End those whose link nobody used in time. Returns how many."""
    late = select(table.c.id).where(table.c.state == "ready", table.c.expires_at <= now).limit(limit)
    ending = update(table).where(table.c.id.in_(late.with_for_update(skip_locked=True)))
    return (await tx.execute(ending.values(state="lapsed", ended_at=now))).rowcount


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget those that were over so long ago. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.ended_at < before, table.c.expires_at < before))).rowcount


async def _one(tx: Transaction, condition: Any) -> WaitingRecovery | None:
    row = (await tx.execute(select(table).where(condition, _OPEN))).one_or_none()
    return _recovery(row) if row is not None else None


def _recovery(row: Row[tuple[Any, ...]]) -> WaitingRecovery:
    return WaitingRecovery(
        id=row.id,
        user_id=row.user_id,
        client_id=row.client_id,
        sent_to=row.sent_to,
        asked_from=row.asked_from,
        correlation_id=row.correlation_id,
        asked_at=row.asked_at,
        ready_at=row.ready_at,
        expires_at=row.expires_at,
        ready=row.state == "ready",
    )
