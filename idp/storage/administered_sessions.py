"""Live sessions as administrators look at them, in PostgreSQL: always within a scope."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, or_, select, tuple_

from config.connections import Transaction
from idp.administration.documents import (
    SessionEntry,
)
from idp.administration.scope import MomentCursor
from idp.storage.directory_tables import (
    login_name,
    organisation,
    session,
    user_account,
)

_ESCAPE = "\\"


async def live(
    tx: Transaction,
    scope: Collection[UUID],
    *,
    name: str = "",
    place: str | None = None,
    user_id: UUID | None = None,
    before: MomentCursor | None = None,
    now: datetime,
    limit: int,
) -> Sequence[SessionEntry]:
    """Sessions that live at `now`, the newest first."""
    query = _live_sessions(scope, now).order_by(session.c.created_at.desc(), session.c.sid.desc()).limit(limit)
    if name:
        query = query.where(is_called(name))
    if place is not None:
        query = query.where(session.c.place == place)
    if user_id is not None:
        query = query.where(session.c.user_id == user_id)
    if before is not None:
        query = query.where(tuple_(session.c.created_at, session.c.sid) < tuple_(before.at, before.id))
    return [_session(row) for row in await tx.execute(query)]


def _live_sessions(scope: Collection[UUID], now: datetime) -> Select[tuple[Any, ...]]:
    return (
        select(
            session.c.sid,
            session.c.user_id,
            user_account.c.display_name,
            session.c.organisation_id,
            organisation.c.name.label("organisation"),
            session.c.device_label.label("device"),
            session.c.browser,
            session.c.ip,
            session.c.place,
            session.c.network,
            session.c.amr,
            session.c.acr,
            session.c.created_at,
            session.c.last_activity_at,
            session.c.idle_expires_at,
            session.c.absolute_expires_at,
        )
        .join(user_account, user_account.c.id == session.c.user_id)
        .join(organisation, organisation.c.id == session.c.organisation_id)
        .where(session.c.ended_at.is_(None), session.c.idle_expires_at > now, session.c.organisation_id.in_(scope))
    )


def _session(row: Row[Any]) -> SessionEntry:
    return SessionEntry(**{**row._mapping, "ip": str(row.ip), "amr": tuple(row.amr)}, own=False)


def is_called(name: str) -> ColumnElement[bool]:
    """Somewhere in the display name or a login name; what is typed has no wildcards."""
    holds = user_account.c.display_name.icontains(name, autoescape=True, escape=_ESCAPE)
    in_login_name = exists().where(
        and_(
            login_name.c.user_id == user_account.c.id,
            login_name.c.name.icontains(name, autoescape=True, escape=_ESCAPE),
        )
    )
    return or_(holds, in_login_name)
