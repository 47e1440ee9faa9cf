"""Elevations in PostgreSQL, for who asks and who decides."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, or_, select, text, tuple_, update

from config.connections import Transaction
from policy.overlay.elevation import ASKED_FOR, Elevation, State
from policy.overlay.page import Place
from policy.storage.tables import elevation, overlay_change

_DECIDING = 0x6D65_6C65
"""The advisory lock of whoever asks for an elevation or decides about one ("mele")."""
_WRITTEN = ("state", "decided_by", "decided_by_name", "decided_why", "starts_at", "ends_at", "ended_by", "ended_why")


class Elevations:
    """`policy.overlay.granting.Store` on PostgreSQL."""

    async def hold(self, tx: Transaction) -> None:
        await tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _DECIDING})

    async def add(self, tx: Transaction, made: Elevation) -> None:
        values = {name: getattr(made, name) for name in Elevation.__struct_fields__}
        await tx.execute(insert(elevation).values({**values, "id": UUID(made.id), "state": made.state.value}))

    async def save(self, tx: Transaction, changed: Elevation) -> None:
        values = {name: getattr(changed, name) for name in _WRITTEN}
        await tx.execute(
            update(elevation)
            .where(elevation.c.id == UUID(changed.id))
            .values({**values, "state": changed.state.value, "changed": overlay_change.next_value()})
        )

    async def find(self, tx: Transaction, ident: UUID) -> Elevation | None:
        row = (await tx.execute(_columns().where(elevation.c.id == ident))).one_or_none()
        return None if row is None else _elevation(row)

    async def of_person(self, tx: Transaction, sub: str, organisation: str, now: datetime) -> Sequence[Elevation]:
        query = _columns().where(
            elevation.c.sub == sub,
            elevation.c.organisation == organisation,
            or_(elevation.c.state == State.ASKED.value, _in_force(now)),
        )
        return [_elevation(row) for row in await tx.execute(query)]

    async def lately_held(self, tx: Transaction, sub: str, organisation: str, since: datetime) -> frozenset[str]:
        query = select(elevation.c.role).where(
            elevation.c.sub == sub,
            elevation.c.organisation == organisation,
            elevation.c.state.in_((State.APPROVED.value, State.ENDED.value)),
            elevation.c.ends_at > since,
        )
        return frozenset((await tx.scalars(query)).all())

    async def in_force(self, tx: Transaction, now: datetime) -> int:
        return int(await tx.scalar(select(func.count()).select_from(elevation).where(_in_force(now))) or 0)

    async def page(
        self,
        tx: Transaction,
        *,
        organisation: str | None,
        sub: str,
        roles: Collection[str] | None,
        state: State | None,
        now: datetime,
        after: Place | None,
        limit: int,
    ) -> Sequence[Elevation]:
        query = _columns().order_by(elevation.c.asked_at.desc(), elevation.c.id.desc()).limit(limit)
        if organisation is not None:
            query = query.where(elevation.c.organisation == organisation)
        if roles is not None:
            query = query.where(or_(elevation.c.sub == sub, elevation.c.role.in_(list(roles))))
        if state is not None:
            query = query.where(_is(state, now))
        if after is not None:
            query = query.where(tuple_(elevation.c.asked_at, elevation.c.id) < (after.at, UUID(after.id)))
        return [_elevation(row) for row in await tx.execute(query)]


def _in_force(now: datetime) -> ColumnElement[bool]:
    return and_(elevation.c.state == State.APPROVED.value, elevation.c.ends_at > now)


def _is(state: State, now: datetime) -> ColumnElement[bool]:
    """What `Elevation.at` says, as a condition."""
    asked = elevation.c.state == State.ASKED.value
    if state is State.APPROVED:
        return _in_force(now)
    if state is State.ASKED:
        return and_(asked, elevation.c.asked_at > now - ASKED_FOR)
    if state is State.EXPIRED:
        over = and_(elevation.c.state == State.APPROVED.value, elevation.c.ends_at <= now)
        unanswered = and_(asked, elevation.c.asked_at <= now - ASKED_FOR)
        return or_(elevation.c.state == State.EXPIRED.value, over, unanswered)
    return elevation.c.state == state.value


def _columns() -> Select[Any]:
    return select(*(elevation.c[name] for name in Elevation.__struct_fields__))


def _elevation(row: Row[Any]) -> Elevation:
    return Elevation(**{**row._mapping, "id": str(row.id), "state": State(row.state)})
