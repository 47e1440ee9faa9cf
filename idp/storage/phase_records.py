"""What was done to phases, and exceptions, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, tuple_, update

from config.connections import Transaction
from idp.rollout.exceptions import PhaseException
from idp.rollout.programme import PhaseEvent
from idp.storage.rollout_tables import phase, phase_event, phase_exception

_Cursor = tuple[datetime, UUID] | None


async def note(tx: Transaction, event: PhaseEvent) -> None:
    """Record an act."""
    values = {column.name: getattr(event, column.name) for column in phase_event.c}
    await tx.execute(insert(phase_event).values(**{**values, "details": dict(event.details)}))


async def events(tx: Transaction, phase_id: UUID, before: _Cursor, limit: int) -> Sequence[PhaseEvent]:
    """What was done to a phase, the newest first."""
    query = select(phase_event).where(phase_event.c.phase_id == phase_id)
    if before is not None:
        query = query.where(tuple_(phase_event.c.at, phase_event.c.id) < tuple_(*before))
    rows = await tx.execute(query.order_by(phase_event.c.at.desc(), phase_event.c.id.desc()).limit(limit))
    return [PhaseEvent(**row._mapping) for row in rows]


async def held_back(tx: Transaction, phase_id: UUID) -> PhaseEvent | None:
    """The newest event of a phase, if it says that it was held back."""
    newest = await events(tx, phase_id, None, 1)
    return newest[0] if newest and newest[0].act == "held_back" else None


async def grant(tx: Transaction, exception: PhaseException) -> None:
    """Keep an exception in place of one that its person has in this phase."""
    here = (
        phase_exception.c.phase_id == exception.phase_id,
        phase_exception.c.user_id == exception.user_id,
        phase_exception.c.withdrawn_at.is_(None),
    )
    earlier = {"withdrawn_at": exception.granted_at, "withdrawn_by": exception.who}
    await tx.execute(update(phase_exception).where(*here).values(**earlier))
    values = {column.name: getattr(exception, column.name) for column in phase_exception.c}
    await tx.execute(insert(phase_exception).values(**values))


async def withdraw(tx: Transaction, exception_id: UUID, who: str, now: datetime) -> PhaseException | None:
    """Take one back; None: there is none, or it is taken back already."""
    one = (phase_exception.c.id == exception_id, phase_exception.c.withdrawn_at.is_(None))
    taken = update(phase_exception).where(*one).values(withdrawn_at=now, withdrawn_by=who)
    row = (await tx.execute(taken.returning(*phase_exception.c))).one_or_none()
    return _exception(row) if row is not None else None


async def exception(tx: Transaction, exception_id: UUID) -> PhaseException | None:
    """One."""
    row = (await tx.execute(select(phase_exception).where(phase_exception.c.id == exception_id))).one_or_none()
    return _exception(row) if row is not None else None


async def exceptions(tx: Transaction, programme_id: UUID, before: _Cursor, limit: int) -> Sequence[PhaseException]:
    """All of a programme, the newest first, also those that are over."""
    of_it = select(phase.c.id).where(phase.c.programme_id == programme_id)
    query = select(phase_exception).where(phase_exception.c.phase_id.in_(of_it))
    if before is not None:
        query = query.where(tuple_(phase_exception.c.granted_at, phase_exception.c.id) < tuple_(*before))
    order = (phase_exception.c.granted_at.desc(), phase_exception.c.id.desc())
    return [_exception(row) for row in await tx.execute(query.order_by(*order).limit(limit))]


def _exception(row: Row[Any]) -> PhaseException:
    return PhaseException(**row._mapping)
