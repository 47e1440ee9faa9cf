"""Programmes, their cohorts and phases in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import delete, insert, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError

from config.connections import Transaction
from events.outbox import append
from idp.rollout.cohorts import Cohort, Rule
from idp.rollout.phases import Dates, Demand, Phase, Reminder, Thresholds
from idp.rollout.programme import EVENT_TOPIC, CohortTaken, Programme
from idp.storage.rollout_tables import cohort as cohort_table
from idp.storage.rollout_tables import phase as phase_table
from idp.storage.rollout_tables import programme as table

_DATES = ("announce_at", "begin_at", "enforce_at", "end_at")
_FIXED = frozenset({"id", "programme_id", "position", "key"})


async def add(
    tx: Transaction, programme: Programme, cohorts: Sequence[Cohort], phases: Sequence[Phase], now: datetime
) -> None:
    """Keep a new one, whole."""
    await tx.execute(insert(table).values(**_programme_row(programme)))
    for cohort in cohorts:
        await put_cohort(tx, cohort)
    if phases:
        await tx.execute(insert(phase_table), [_phase_row(one, now) for one in phases])


async def page(
    tx: Transaction, organisations: Collection[UUID], before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Programme]:
    """Those of these organisations, the newest first."""
    query = select(table).where(table.c.organisation_id.in_(organisations))
    if before is not None:
        query = query.where(tuple_(table.c.created_at, table.c.id) < tuple_(*before))
    rows = await tx.execute(query.order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit))
    return [Programme(**row._mapping) for row in rows]


async def find(tx: Transaction, programme_id: UUID, *, claim: bool = False) -> Programme | None:
    """One; `claim`: nobody else changes it, or its phases, before the transaction is over."""
    query = select(table).where(table.c.id == programme_id)
    row = (await tx.execute(query.with_for_update() if claim else query)).one_or_none()
    return Programme(**row._mapping) if row is not None else None


async def put(tx: Transaction, programme: Programme) -> None:
    """Keep what changed of a claimed one."""
    values = {name: value for name, value in _programme_row(programme).items() if name not in _FIXED}
    await tx.execute(update(table).where(table.c.id == programme.id).values(**values))


async def remove(tx: Transaction, programme_id: UUID) -> None:
    """Forget a claimed one with all that belongs to it."""
    await tx.execute(delete(phase_table).where(phase_table.c.programme_id == programme_id))
    await tx.execute(delete(table).where(table.c.id == programme_id))


async def phases(tx: Transaction, programme_id: UUID) -> Sequence[Phase]:
    """Its phases in order."""
    query = select(phase_table).where(phase_table.c.programme_id == programme_id).order_by(phase_table.c.position)
    return [phase_of(row._mapping) for row in await tx.execute(query)]


async def cohorts(tx: Transaction, programme_id: UUID) -> Sequence[Cohort]:
    """Its cohorts by name."""
    query = select(cohort_table).where(cohort_table.c.programme_id == programme_id).order_by(cohort_table.c.name)
    rows = await tx.execute(query)
    return [Cohort(id=row.id, programme_id=row.programme_id, name=row.name, rule=rule_of(row.rule)) for row in rows]


async def put_cohort(tx: Transaction, cohort: Cohort) -> None:
    """Keep a cohort, new or changed. Raises `CohortTaken`."""
    values = {"name": cohort.name, "rule": msgspec.to_builtins(cohort.rule)}
    kept = upsert(cohort_table).values(id=cohort.id, programme_id=cohort.programme_id, **values)
    try:
        async with tx.begin_nested():
            await tx.execute(kept.on_conflict_do_update(index_elements=["id"], set_=values))
    except IntegrityError:
        raise CohortTaken(cohort.name) from None


async def put_phase(tx: Transaction, phase: Phase, now: datetime) -> None:
    """Keep what changed of a phase of a claimed programme."""
    values = {name: value for name, value in _phase_row(phase, now).items() if name not in _FIXED}
    await tx.execute(update(phase_table).where(phase_table.c.id == phase.id).values(**values))


async def tell(tx: Transaction, organisation_id: UUID) -> None:
    """Tell every node that what is demanded changed."""
    ident = str(organisation_id)
    await append(tx, EVENT_TOPIC, ident, {"organisation_id": ident})


async def to_lead_on(tx: Transaction, changed_after: datetime) -> Sequence[UUID]:
    """The programmes with a phase that is not over, or was changed lately; the oldest first. Of one that goes on by
    hand drafts do not count: nobody is told of them, and no date takes them on."""
    lives = or_(phase_table.c.state.not_in(("finished", "rolled_back")), phase_table.c.changed_at > changed_after)
    counts = or_(table.c.started_at.is_not(None), phase_table.c.state != "draft")
    query = (
        select(table.c.id)
        .where(select(1).where(phase_table.c.programme_id == table.c.id, lives, counts).exists())
        .order_by(table.c.created_at, table.c.id)
    )
    return (await tx.execute(query)).scalars().all()


def phase_of(row: Mapping[Any, Any]) -> Phase:
    """A phase from its columns."""
    return Phase(
        id=row["id"],
        programme_id=row["programme_id"],
        position=row["position"],
        key=row["key"],
        name=row["name"],
        kind=row["kind"],
        cohort_id=row["cohort_id"],
        share=row["share"],
        demand=msgspec.convert(row["demand"], Demand),
        dates=Dates(*(row[name] for name in _DATES)),
        grace_days=row["grace_days"],
        reminders=msgspec.convert(row["reminders"], tuple[Reminder, ...]),
        thresholds=msgspec.convert(row["thresholds"], Thresholds),
        state=row["state"],
        paused_from=row["paused_from"],
        paused_at=row["paused_at"],
        begun_at=row["begun_at"],
        version=row["version"],
    )


def rule_of(document: object) -> Rule:
    """A rule as it is kept."""
    rule: Rule = msgspec.convert(document, Rule)
    return rule


def _programme_row(programme: Programme) -> dict[str, Any]:
    row = {column.name: getattr(programme, column.name) for column in table.c}
    return {**row, "texts": msgspec.to_builtins(programme.texts)}


def _phase_row(phase: Phase, now: datetime) -> dict[str, Any]:
    own = ("id", "programme_id", "position", "key", "kind", "cohort_id", "share", "grace_days", "state")
    more = ("paused_from", "paused_at", "begun_at", "version")
    return {
        **{name: getattr(phase, name) for name in (*own, *more)},
        **{name: getattr(phase.dates, name) for name in _DATES},
        "name": dict(phase.name),
        "demand": msgspec.to_builtins(phase.demand),
        "reminders": msgspec.to_builtins(phase.reminders),
        "thresholds": msgspec.to_builtins(phase.thresholds),
        "changed_at": now,
    }
