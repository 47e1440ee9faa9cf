"""Logins in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, bindparam, delete, insert, select, update

from config.connections import Transaction
from idp.authorization.login import Linking, Login
from idp.authorization.request import AuthorizationRequest
from idp.storage import sign_in_days
from idp.storage.protocol_tables import login as table

# made once: to build a statement, and its key for the cache, costs more than to send it
_ADD = insert(table)
_FIND = select(table).where(table.c.id == bindparam("login_id"), table.c.expires_at > bindparam("now"))
_CLAIM = _FIND.with_for_update()
_SAVE = update(table).where(table.c.id == bindparam("login_id"))
_FINISH = delete(table).where(table.c.id == bindparam("login_id"))
_FIXED = frozenset({"id", "request", "client_id", "locale", "created_at", "browser_hash"})


async def add(tx: Transaction, login: Login) -> None:
    """Keep a login that begins."""
    await tx.execute(_ADD, _row(login))


async def find(tx: Transaction, login_id: UUID, now: datetime) -> Login | None:
    """A login that goes on; None once it is over, or its time is. For pages that only show."""
    return await _load(tx, _FIND, login_id, now)


async def claim(tx: Transaction, login_id: UUID, now: datetime) -> Login | None:
    """`find`, and nobody else changes it before this transaction is over. For whoever saves."""
    return await _load(tx, _CLAIM, login_id, now)


async def save(tx: Transaction, login: Login) -> None:
    """Keep what changed in a claimed login."""
    values = {name: value for name, value in _row(login).items() if name not in _FIXED}
    await tx.execute(_SAVE, {"login_id": login.id, **values})


async def finish(tx: Transaction, login: Login) -> None:
    """A claimed login is over: its code was issued, or its client was told that there will be none."""
    await tx.execute(_FINISH, {"login_id": login.id})


async def forget_person(tx: Transaction, user_id: UUID) -> int:
    """Forget the logins of a person, as far as one has proved to be them. Call it before the person is locked.

    Returns how many.
    """
    theirs = select(table.c.id).where(table.c.user_id == user_id).order_by(table.c.id).with_for_update()
    return (await tx.execute(delete(table).where(table.c.id.in_(theirs)))).rowcount


async def forget_others(tx: Transaction, login: Login) -> int:
    """`forget_person` for the person of a login that goes on: all but this one, which is locked with them."""
    theirs = select(table.c.id).where(table.c.user_id == login.user_id).order_by(table.c.id).with_for_update()
    return (await tx.execute(delete(table).where(table.c.id.in_(theirs), table.c.id != login.id))).rowcount


async def client_of(tx: Transaction, browsers: Collection[bytes], now: datetime) -> str | None:
    """The client whose login one of these browsers is in the middle of; of several the newest."""
    query = (
        select(table.c.client_id)
        .where(table.c.browser_hash.in_(browsers), table.c.expires_at > now)
        .order_by(table.c.created_at.desc())
        .limit(1)
    )
    client_id: str | None = (await tx.execute(query)).scalar_one_or_none()
    return client_id


async def sweep(tx: Transaction, now: datetime) -> int:
    """Forget logins whose time is over and in which nobody was authenticated; the others are abandoned. Counts them."""
    return await sign_in_days.forget_left(tx, now)


async def _load(tx: Transaction, query: Select[Any], login_id: UUID, now: datetime) -> Login | None:
    row = (await tx.execute(query, {"login_id": login_id, "now": now})).mappings().one_or_none()
    return from_row(row) if row is not None else None


def _row(login: Login) -> dict[str, Any]:
    row = {column.name: getattr(login, column.name) for column in table.c}
    row["request"] = msgspec.to_builtins(login.request)
    row["amr"] = list(login.amr)
    row["risk_of"] = list(login.risk_of)
    row["linking"] = msgspec.to_builtins(login.linking) if login.linking is not None else None
    row["came_from"] = dict(login.came_from) if login.came_from is not None else None
    return row


def from_row(row: Mapping[Any, Any]) -> Login:
    """A login from its columns."""
    values = dict(row)
    values["request"] = msgspec.convert(values["request"], AuthorizationRequest)
    values["amr"] = tuple(values["amr"])
    values["risk_of"] = tuple(values["risk_of"])
    if values["linking"] is not None:
        values["linking"] = msgspec.convert(values["linking"], Linking)
    return Login(**values)
