"""Sessions in PostgreSQL, which itself holds that a person has one and that an end is the end (migration 0005)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from config.connections import Transaction
from config.direct import Statement
from config.together import ask
from idp.sessions.revoked_tokens import RevokedTokens
from idp.sessions.session import ON_ITS_WAY, Session, Visitor
from idp.storage.directory_tables import session as table
from idp.storage.directory_tables import user_account

_NAMED = table.c.sid == any_(bindparam("sids", type_=ARRAY(Text)))
_FIND = select(
    *(column for column in table.c if column.name not in ("ip", "ended_by", "revoked_tokens")),
    func.host(table.c.ip).label("ip"),
    cast(table.c.ended_by, Text).label("ended_by"),
    cast(table.c.revoked_tokens, Text).label("revoked_tokens"),
).where(_NAMED)
_FOUND = Statement(_FIND)
_LOCKED = Statement(
    _FIND.where(table.c.ended_at.is_(None))
    .order_by(table.c.sid.collate("C"))  # as `lock_live` does
    .with_for_update(key_share=True)
)
_ALIVE = Statement(
    select(table.c.sid, table.c.idle_expires_at, cast(table.c.revoked_tokens, Text).label("revoked_tokens")).where(
        _NAMED, table.c.ended_at.is_(None)
    )
)
_LOCK_PERSON = (
    select(user_account.c.state).where(user_account.c.id == bindparam("user_id")).with_for_update(key_share=True)
)  # FOR NO KEY UPDATE: rows that refer to the person may be written meanwhile
_LOCK_LIVE = (
    select(table)
    .where(
        or_(table.c.user_id == bindparam("user_id"), table.c.sid == bindparam("leaving")), table.c.ended_at.is_(None)
    )
    .order_by(table.c.sid.collate("C"))  # rows are locked in this order: that of Python's, in the worker `activity`
    .with_for_update(key_share=True)
)
_BEGIN = insert(table)
_CHANGE = update(table).where(table.c.sid == bindparam("of"))
_VISITOR = ("device_id", "device_label", "browser", "ip", "place", "network")


async def lock_person(tx: Transaction, user_id: UUID) -> bool:
    """Let nobody else begin a session of this person until the transaction is over. False: may not sign in."""
    return (await tx.execute(_LOCK_PERSON, {"user_id": user_id})).scalar_one_or_none() == "active"


async def lock_live(tx: Transaction, user_id: UUID, leaving: str | None) -> list[Session]:
    """The person's session and the one of the sid `leaving`, as far as they have not ended: locked, by sid."""
    values = {"user_id": user_id, "leaving": leaving}
    return [_session(row) for row in await tx.execute(_LOCK_LIVE, values)]


async def lock(tx: Transaction, sid: str) -> Session | None:
    """One session that has not ended, locked against its end and its extension."""
    return await ask(tx, _locked, sid)


async def lock_expired(tx: Transaction, now: datetime, limit: int) -> list[Session]:
    """Some sessions past their limit that nobody has ended and nobody else holds, locked.

    Past the idle limit only once no act from before it can be on its way any more.
    """
    idle = table.c.idle_expires_at <= now - ON_ITS_WAY
    # the first condition is for the index: the idle limit is never after the absolute one
    query = (
        _not_ended(and_(table.c.idle_expires_at <= now, or_(idle, table.c.absolute_expires_at <= now)))
        .order_by(table.c.idle_expires_at)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    )
    return [_session(row) for row in await tx.execute(query)]


async def begin(tx: Transaction, session: Session) -> None:
    """Keep a new session. Raises an integrity error where the person has one that has not ended."""
    await tx.execute(_BEGIN, _row(session))


async def change(tx: Transaction, session: Session) -> None:
    """Keep what changed in a locked session: its end, its times, its proof, what of its tokens is revoked."""
    values = {
        "of": session.sid,
        "version": session.version,
        "cookie_hash": session.cookie_hash,
        "amr": list(session.amr),
        "acr": session.acr,
        "authenticated_at": session.authenticated_at,
        "last_activity_at": session.last_activity_at,
        "idle_expires_at": session.idle_expires_at,
        "ended_at": session.ended_at,
        "end_reason": session.end_reason,
        "ended_by": session.ended_by,
        "revoked_tokens": dict(session.revoked_tokens),
    }
    await tx.execute(_CHANGE, values)


async def live_of(tx: Transaction, user_id: UUID, now: datetime) -> Session | None:
    """The person's live session, to look at."""
    return _if_live(await _one(tx, _not_ended(table.c.user_id == user_id)), now)


async def live_by_cookie(tx: Transaction, cookie_hash: bytes, now: datetime) -> Session | None:
    """The live session of a browser's session cookie, to look at."""
    return _if_live(await _one(tx, _not_ended(table.c.cookie_hash == cookie_hash)), now)


async def taken_over(tx: Transaction, cookie_hash: bytes, since: datetime) -> Session | None:
    """The session of a browser's cookie, if another login took it over after a moment."""
    query = select(table).where(
        table.c.cookie_hash == cookie_hash, table.c.end_reason == "takeover", table.c.ended_at > since
    )
    return await _one(tx, query)


async def find(tx: Transaction, sid: str) -> Session | None:
    """One session, live or ended, to look at."""
    return await ask(tx, _found, sid)


async def alive_until(tx: Transaction, sid: str) -> tuple[datetime, RevokedTokens] | None:
    """When a session that nobody has ended is over, as it stands, and what of its tokens is revoked; None: it ended, or
    there is none. For whoever needs to know no more: the rest of a session costs as much again to read."""
    return await ask(tx, _alive_until, sid)


async def forget_ended(tx: Transaction, before: datetime, limit: int) -> int:
    """Forget some sessions that ended before a moment, with all that came of them. Returns how many."""
    gone = (
        select(table.c.sid).where(table.c.ended_at < before).limit(limit).with_for_update(skip_locked=True)
    ).scalar_subquery()
    return (await tx.execute(delete(table).where(table.c.sid.in_(gone)))).rowcount


def _not_ended(which: ColumnElement[bool]) -> Select[tuple[Any, ...]]:
    return select(table).where(which, table.c.ended_at.is_(None))


def _if_live(session: Session | None, now: datetime) -> Session | None:
    return session if session is not None and session.lives(now) else None


async def _alive_until(tx: Transaction, sids: Sequence[str]) -> Mapping[str, tuple[datetime, RevokedTokens]]:
    return {
        row["sid"]: (row["idle_expires_at"], _revoked_tokens(row["revoked_tokens"]))
        for row in await _ALIVE.rows(tx, sids=sids)
    }


async def _found(tx: Transaction, sids: Sequence[str]) -> Mapping[str, Session]:
    return {row["sid"]: _by_row(row) for row in await _FOUND.rows(tx, sids=sids)}


async def _locked(tx: Transaction, sids: Sequence[str]) -> Mapping[str, Session]:
    return {row["sid"]: _by_row(row) for row in await _LOCKED.rows(tx, sids=sids)}


def _by_row(row: Mapping[str, Any]) -> Session:
    """A session from what `_FIND` says of it."""
    ended_by = row["ended_by"]
    return Session(
        sid=row["sid"],
        user_id=row["user_id"],
        organisation_id=row["organisation_id"],
        version=row["version"],
        cookie_hash=row["cookie_hash"],
        visitor=Visitor(
            device_id=row["device_id"],
            device_label=row["device_label"],
            browser=row["browser"],
            ip=row["ip"],
            place=row["place"],
            network=row["network"],
        ),
        amr=tuple(row["amr"]),
        acr=row["acr"],
        authenticated_at=row["authenticated_at"],
        created_at=row["created_at"],
        last_activity_at=row["last_activity_at"],
        idle_expires_at=row["idle_expires_at"],
        absolute_expires_at=row["absolute_expires_at"],
        ended_at=row["ended_at"],
        end_reason=row["end_reason"],
        ended_by=msgspec.json.decode(ended_by, type=dict[str, str]) if ended_by is not None else None,
        revoked_tokens=_revoked_tokens(row["revoked_tokens"]),
    )


_revoked_tokens = msgspec.json.Decoder(dict[str, int]).decode


async def _one(tx: Transaction, query: Select[tuple[Any, ...]]) -> Session | None:
    row = (await tx.execute(query)).one_or_none()
    return _session(row) if row is not None else None


def _row(session: Session) -> dict[str, Any]:
    row = {
        column.name: getattr(session.visitor if column.name in _VISITOR else session, column.name) for column in table.c
    }
    row |= {"amr": list(session.amr), "revoked_tokens": dict(session.revoked_tokens)}
    return row


def _session(row: Row[tuple[Any, ...]]) -> Session:
    return from_columns(row._mapping)


def from_columns(columns: Mapping[Any, Any]) -> Session:
    """A session from its columns, by their names."""
    values = dict(columns)
    values["visitor"] = Visitor(
        **{name: values.pop(name) for name in _VISITOR if name != "ip"}, ip=str(values.pop("ip"))
    )
    values["amr"] = tuple(values["amr"])
    return Session(**values)
