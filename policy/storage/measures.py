"""Measures in PostgreSQL, for who orders and who lifts them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, exists, func, insert, not_, or_, select, text, tuple_, update

from config.connections import Transaction
from policy.overlay.measure import Kind, Measure, Target
from policy.overlay.page import Place
from policy.request import MeasureEffect
from policy.storage.tables import administrator, measure, overlay_change

_ORDERING = 0x6D6D_6561
"""The advisory lock of whoever orders a measure ("mmea"), so that two do not lock each other out."""


class Measures:
    """`policy.overlay.ordering.Store` on PostgreSQL."""

    async def hold(self, tx: Transaction) -> None:
        await tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ORDERING})

    async def add(self, tx: Transaction, made: Measure) -> None:
        await tx.execute(
            insert(measure).values(
                id=UUID(made.id),
                kind=made.target.kind.value,
                value=made.target.value,
                effect=made.effect.value,
                points=made.points,
                obligations=list(made.obligations),
                why=made.why,
                by=made.by,
                at=made.at,
                until=made.until,
            )
        )

    async def lift(self, tx: Transaction, ident: UUID, *, by: str, why: str, now: datetime) -> Measure | None:
        statement = (
            update(measure)
            .where(measure.c.id == ident, _standing(now))
            .values(lifted_at=now, lifted_by=by, lifted_why=why, changed=overlay_change.next_value())
            .returning(*_COLUMNS)
        )
        row = (await tx.execute(statement)).one_or_none()
        return None if row is None else _measure(row)

    async def find(self, tx: Transaction, ident: UUID) -> Measure | None:
        row = (await tx.execute(select(*_COLUMNS).where(measure.c.id == ident))).one_or_none()
        return None if row is None else _measure(row)

    async def standing(self, tx: Transaction, now: datetime) -> int:
        return int(await tx.scalar(select(func.count()).select_from(measure).where(_standing(now))) or 0)

    async def stands(self, tx: Transaction, target: Target, effect: MeasureEffect, by: str, now: datetime) -> bool:
        found = exists().where(
            measure.c.kind == target.kind.value,
            measure.c.value == target.value,
            measure.c.effect == effect.value,
            measure.c.by == by,
            _standing(now),
        )
        return bool(await tx.scalar(select(found)))

    async def leaves_an_administrator(self, tx: Transaction, organisation: str, sub: str, now: datetime) -> bool:
        held = exists().where(
            measure.c.kind == Kind.PERSON.value,
            measure.c.value == administrator.c.sub,
            measure.c.effect != MeasureEffect.STEP_UP.value,
            _standing(now),
        )
        of_organisation = administrator.c.organisation == organisation
        is_one = exists().where(of_organisation, administrator.c.sub == sub)
        another = exists().where(of_organisation, administrator.c.sub != sub, not_(held))
        return bool(await tx.scalar(select(or_(not_(is_one), another))))

    async def page(
        self, tx: Transaction, *, standing: bool | None, now: datetime, after: Place | None, limit: int
    ) -> Sequence[Measure]:
        query = select(*_COLUMNS).order_by(measure.c.at.desc(), measure.c.id.desc()).limit(limit)
        if standing is not None:
            query = query.where(_standing(now) if standing else not_(_standing(now)))
        if after is not None:
            query = query.where(tuple_(measure.c.at, measure.c.id) < (after.at, UUID(after.id)))
        return [_measure(row) for row in await tx.execute(query)]


_COLUMNS = [column for column in measure.c if column.name != "changed"]


def _standing(now: datetime) -> ColumnElement[bool]:
    return and_(measure.c.lifted_at.is_(None), measure.c.until > now)


def _measure(row: Row[Any]) -> Measure:
    return Measure(
        id=str(row.id),
        target=Target(Kind(row.kind), row.value),
        effect=MeasureEffect(row.effect),
        points=row.points,
        obligations=tuple(row.obligations),
        why=row.why,
        by=row.by,
        at=row.at,
        until=row.until,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
        lifted_why=row.lifted_why,
    )
