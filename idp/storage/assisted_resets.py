"""Resets that take two administrators, in PostgreSQL (migration 0061)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Row, exists, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.administration.scope import EntryCursor
from idp.credentials.assisted_reset import AssistedReset, ResetState
from idp.storage.directory_tables import membership, user_account
from idp.storage.way_in_tables import assisted_reset as table

_OPEN = table.c.state.in_(("asked", "approved"))
_SHOWN = [column for column in table.c if not column.name.endswith("_hash")]


async def add(tx: Transaction, one: AssistedReset, code_hash: bytes, stop_hash: bytes) -> bool:
    """Keep one that is asked for. False: the person has one that is not over."""
    values = {column.name: getattr(one, column.name) for column in _SHOWN}
    adding = insert(table).values(**values, code_hash=code_hash, stop_hash=stop_hash)
    return (await tx.execute(adding.on_conflict_do_nothing().returning(table.c.id))).one_or_none() is not None


async def claim(tx: Transaction, reset_id: UUID) -> AssistedReset | None:
    """One, locked against other decisions."""
    row = (await tx.execute(select(*_SHOWN).where(table.c.id == reset_id).with_for_update())).one_or_none()
    return _reset(row) if row is not None else None


async def save(tx: Transaction, one: AssistedReset, *, stop_hash: bytes | None = None) -> None:
    """Keep what was decided of a claimed one; with a new link that stops it."""
    values: dict[str, object] = {
        name: getattr(one, name)
        for name in ("state", "decided_by", "decided_why", "decided_at", "expires_at", "ended_at", "version")
    }
    if stop_hash is not None:
        values["stop_hash"] = stop_hash
    await tx.execute(update(table).where(table.c.id == one.id).values(values))


async def resets(
    tx: Transaction,
    scope: Collection[UUID],
    *,
    states: Collection[ResetState],
    person: UUID | None,
    before: EntryCursor | None,
    limit: int,
) -> Sequence[AssistedReset]:
    """Those of the scope's people, the newest first."""
    theirs = exists().where(membership.c.user_id == table.c.user_id, membership.c.organisation_id.in_(scope))
    query = select(*_SHOWN).where(theirs).order_by(table.c.asked_at.desc(), table.c.id.desc()).limit(limit)
    if states:
        query = query.where(table.c.state.in_(states))
    if person is not None:
        query = query.where(table.c.user_id == person)
    if before is not None:
        query = query.where(tuple_(table.c.asked_at, table.c.id) < tuple_(before.at, before.id))
    return [_reset(row) for row in await tx.execute(query)]


async def names(tx: Transaction, people: Collection[UUID]) -> Mapping[UUID, str]:
    """What people are called."""
    query = select(user_account.c.id, user_account.c.display_name).where(user_account.c.id.in_(people))
    return {row.id: row.display_name for row in await tx.execute(query)}


async def approved_by_code(tx: Transaction, user_id: UUID, code_hash: bytes, now: datetime) -> AssistedReset | None:
    """The person's, if two agreed, this is its code, and its time is not over."""
    conditions = (table.c.state == "approved", table.c.code_hash == code_hash, table.c.expires_at > now)
    return await _one(tx, table.c.user_id == user_id, *conditions)


async def open_of(tx: Transaction, user_id: UUID) -> AssistedReset | None:
    """The person's, asked or approved."""
    return await _one(tx, table.c.user_id == user_id, _OPEN)


async def by_stop(tx: Transaction, stop_hash: bytes) -> AssistedReset | None:
    """The one that a link stops, if it is not over."""
    return await _one(tx, table.c.stop_hash == stop_hash, _OPEN)


async def end(tx: Transaction, user_id: UUID, how: Literal["used", "stopped"], now: datetime) -> bool:
    """The person's is over. False: they have none. What was never agreed to is stopped, whatever else led in."""
    used = table.c.state == "approved" if how == "used" else _OPEN
    ending = update(table).where(table.c.user_id == user_id, used)
    ended = ending.values(state=how, ended_at=now, version=table.c.version + 1).returning(table.c.id)
    return (await tx.execute(ended)).one_or_none() is not None


async def lapse(tx: Transaction, now: datetime, limit: int) -> int:
    """End those that nobody agreed to, or whose code nobody used, in time. Returns how many."""
    late = select(table.c.id).where(_OPEN, table.c.expires_at <= now).limit(limit).with_for_update(skip_locked=True)
    ending = update(table).where(table.c.id.in_(late))
    return (await tx.execute(ending.values(state="lapsed", ended_at=now, version=table.c.version + 1))).rowcount


async def _one(tx: Transaction, *conditions: Any) -> AssistedReset | None:
    row = (await tx.execute(select(*_SHOWN).where(*conditions))).one_or_none()
    return _reset(row) if row is not None else None


def _reset(row: Row[tuple[Any, ...]]) -> AssistedReset:
    return AssistedReset(**row._mapping)
