"""What of elevations and measures is in force, as a gateway reads it: the columns that it may."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from config.connections import Transaction
from policy.overlay.measure import Kind, Measure, Target
from policy.overlay.overlay import Granted
from policy.request import Elevated, MeasureEffect
from policy.storage.tables import elevation, measure


class OverlayStore:
    """`policy.overlay.live.Store` on PostgreSQL."""

    async def mark(self, tx: Transaction, now: datetime) -> tuple[int, ...]:
        """Changes whenever what is in force does, by a change or by time: sums, since numbers commit out of order."""
        numbers = [
            select(number).where(*which).scalar_subquery()
            for table, which in ((elevation, _approved(now)), (measure, _standing(now)))
            for number in (func.count(table.c.id), func.coalesce(func.sum(table.c.changed), 0))
        ]
        return tuple(int(number) for number in (await tx.execute(select(*numbers))).one())

    async def granted(self, tx: Transaction, now: datetime) -> list[Granted]:
        """Elevations in force."""
        columns = elevation.c.id, elevation.c.sub, elevation.c.organisation, elevation.c.role, elevation.c.ends_at
        rows = await tx.execute(select(*columns).where(*_approved(now)).order_by(elevation.c.id))
        return [
            Granted(row.sub, row.organisation, Elevated(str(row.id), row.role, row.ends_at.timestamp())) for row in rows
        ]

    async def measures(self, tx: Transaction, now: datetime) -> list[Measure]:
        """Measures that stand; why, and who ordered them, is not the gateway's to read."""
        columns = (
            measure.c.id, measure.c.kind, measure.c.value, measure.c.effect, measure.c.points,
            measure.c.obligations, measure.c.at, measure.c.until,
        )  # fmt: skip
        rows = await tx.execute(select(*columns).where(*_standing(now)).order_by(measure.c.id))
        return [
            Measure(
                id=str(row.id),
                target=Target(Kind(row.kind), row.value),
                effect=MeasureEffect(row.effect),
                points=row.points,
                obligations=tuple(row.obligations),
                why="",
                by="",
                at=row.at,
                until=row.until,
            )
            for row in rows
        ]


def _approved(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return elevation.c.state == "approved", elevation.c.ends_at > now


def _standing(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return measure.c.lifted_at.is_(None), measure.c.until > now
