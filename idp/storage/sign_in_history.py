"""The history of sign-ins in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, delete, exists, func, insert, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from config.connections import Transaction
from idp.devices.sign_in_history import GOT_IN, KEPT_FOR, Cursor, Outcome, SignIn, Told, Visited
from idp.storage.account_tables import sign_in_history as table
from idp.storage.directory_tables import session, user_account

_NEW = select(*(bindparam(f"new_{column.name}", type_=column.type) for column in table.c)).where(
    exists().where(user_account.c.id == bindparam("new_user_id", type_=table.c.user_id.type))
)
_ADD = insert(table).from_select([column.name for column in table.c], _NEW)


async def add(tx: Transaction, sign_in: SignIn) -> None:
    """Keep one, if there is such a person: for a name that nobody has, the same statement keeps nothing."""
    values = {name: getattr(sign_in, name) for name in SignIn.__slots__}
    values |= {"amr": list(sign_in.amr), "risk_of": list(sign_in.risk_of)}
    await tx.execute(_ADD, {f"new_{name}": value for name, value in values.items()})


async def page(
    tx: Transaction, user_id: UUID, *, outcomes: Collection[Outcome], before: Cursor | None, limit: int
) -> list[Told]:
    """The latest sign-ins of a person below a cursor, with any of these outcomes (none named: all)."""
    query = _told(user_id).order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)
    if outcomes:
        query = query.where(table.c.outcome.in_(outcomes))
    if before is not None:
        query = query.where(tuple_(table.c.at, table.c.id) < tuple_(before.at, before.id))
    return [_read(row) for row in await tx.execute(query)]


async def find(tx: Transaction, user_id: UUID, ident: UUID) -> Told | None:
    """One sign-in of this person."""
    row = (await tx.execute(_told(user_id).where(table.c.id == ident))).one_or_none()
    return _read(row) if row is not None else None


async def places(tx: Transaction, user_id: UUID, since: datetime) -> list[Visited]:
    """The places since a moment, the most frequent first."""
    got_in = table.c.outcome.in_(GOT_IN)
    query = (
        select(
            table.c.place,
            func.count().filter(got_in),
            func.count().filter(~got_in),
            func.max(table.c.at),
        )
        .where(table.c.user_id == user_id, table.c.at >= since)
        .group_by(table.c.place)
        .order_by(func.count().desc(), table.c.place)
    )
    return [Visited(*row) for row in await tx.execute(query)]


async def last_places(tx: Transaction, user_id: UUID) -> dict[UUID, str]:
    """Where each device of the person got in from last."""
    query = (
        select(table.c.device_id, table.c.place)
        .ext(distinct_on(table.c.device_id))
        .where(table.c.user_id == user_id, table.c.device_id.is_not(None), table.c.outcome.in_(GOT_IN))
        .order_by(table.c.device_id, table.c.at.desc(), table.c.id.desc())
    )
    return {row.device_id: row.place for row in await tx.execute(query)}


async def sweep(tx: Transaction, now: datetime) -> int:
    """Forget what has been kept long enough. Returns how many rows are gone."""
    return (await tx.execute(delete(table).where(table.c.at < now - KEPT_FOR))).rowcount


def _told(user_id: UUID) -> Select[tuple[Any, ...]]:
    return (
        select(table, session.c.ended_at, session.c.end_reason)
        .outerjoin(session, session.c.sid == table.c.sid)
        .where(table.c.user_id == user_id)
    )


def _read(row: Row[tuple[Any, ...]]) -> Told:
    values = {name: row._mapping[name] for name in SignIn.__slots__}
    tuples = {"amr": tuple(values["amr"]), "risk_of": tuple(values["risk_of"] or ())}
    sign_in = SignIn(**{**values, **tuples, "ip": str(values["ip"])})
    return Told(sign_in, row.ended_at, row.end_reason)
