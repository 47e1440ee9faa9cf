"""Happenings in PostgreSQL: the table `result`, and the decision that each request bears."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, distinct_on

from config.connections import Transaction
from upstreams.reservation.happening import Event, News
from upstreams.reservation.storage import decisions
from upstreams.reservation.storage.tables import request, result
from upstreams.trade.storage import bulk

OVERLAP = timedelta(seconds=10)
"""How long a transaction may take to commit after it numbered its events; told again is what is younger than that."""
_COLUMNS = (result.c.id, result.c.person, result.c.reservation, result.c.kind, result.c.body)


class StoredHappenings:
    """`reservation.happening.Happenings` in schema `reservation`."""

    async def write(
        self, tx: Transaction, news: Sequence[News], now: datetime, *, told: bool = False
    ) -> Sequence[Event]:
        """Write news down. `told`: something else sees to it that they are told, should this process die."""
        if not news:
            return []
        source = bulk.rows(
            "source",
            {
                "person": (sa.Uuid, [one.person for one in news]),
                "reservation": (sa.Uuid, [one.reservation for one in news]),
                "kind": (sa.Text, [one.kind for one in news]),
                "body": (sa.Text, _encoded(news)),
            },
        )
        chosen = sa.select(
            source.c.person,
            source.c.reservation,
            source.c.kind,
            sa.cast(source.c.body, JSONB),
            sa.literal(told),
            sa.literal(now, result.c.at.type),
        )
        columns = ["person", "reservation", "kind", "body", "told", "at"]
        numbers = await tx.scalars(sa.insert(result).from_select(columns, chosen).returning(result.c.id))
        return [Event(number, one) for number, one in zip(sorted(numbers), news, strict=True)]

    async def since(self, tx: Transaction, person: UUID, event: int, *, limit: int = 200) -> Sequence[Event]:
        """A person's events after one that they know, in order.

        Transactions end in another order than they number their events, so those shortly before it come again too.
        """
        known_at = (
            sa.select(result.c.at)
            .where(result.c.id == event, result.c.person == person)
            .union_all(sa.select(request.c.decided_at).where(request.c.event == event, request.c.person == person))
            .subquery()
        )
        moment = sa.select(known_at.c.at - OVERLAP).scalar_subquery()
        query = (
            sa.select(*_COLUMNS)
            .where(
                result.c.person == person,
                result.c.id != event,
                sa.or_(result.c.id > event, result.c.at >= moment),
            )
            .order_by(result.c.id)
            .limit(limit)
        )
        changes = [_event(row) for row in await tx.execute(query)]
        made = await decisions.since(tx, person, event, moment, limit=limit)
        return sorted([*changes, *made], key=attrgetter("id"))[:limit]

    async def newest(self, tx: Transaction, person: UUID) -> int:
        """The number of a person's last event; 0 where there is none."""
        change = sa.select(sa.func.max(result.c.id)).where(result.c.person == person).scalar_subquery()
        decision = sa.select(sa.func.max(request.c.event)).where(request.c.person == person).scalar_subquery()
        return await tx.scalar(sa.select(sa.func.greatest(change, decision, 0))) or 0

    async def latest(self, tx: Transaction, reservations: Collection[UUID]) -> Sequence[Event]:
        """The last event of each of these requests."""
        chosen = sa.any_(sa.literal(list(reservations), ARRAY(sa.Uuid, dimensions=1)))
        query = (
            sa.select(*_COLUMNS)
            .ext(distinct_on(result.c.reservation))
            # by its person: a batch writes too many of them for an index that only a crash needs
            .join(request, sa.and_(request.c.id == result.c.reservation, request.c.person == result.c.person))
            .where(request.c.id == chosen)
            .order_by(result.c.reservation, result.c.id.desc())
        )
        last = await decisions.of(tx, reservations)
        for event in map(_event, await tx.execute(query)):
            of = event.news.reservation
            if of not in last or last[of].id < event.id:
                last[of] = event
        return list(last.values())

    async def untold(self, tx: Transaction, before: datetime, *, limit: int) -> Sequence[Event]:
        """What was written before a moment and not told, locked; what somebody else has locked is theirs to tell."""
        query = (
            sa.select(*_COLUMNS)
            .where(~result.c.told, result.c.at <= before)
            .order_by(result.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [_event(row) for row in await tx.execute(query)]

    async def mark_told(self, tx: Transaction, idents: Collection[int]) -> None:
        """These were published."""
        chosen = sa.any_(sa.literal(list(idents), ARRAY(sa.BigInteger, dimensions=1)))
        await tx.execute(sa.update(result).values(told=True).where(result.c.id == chosen, ~result.c.told))

    async def forget(self, tx: Transaction, before: datetime, *, limit: int) -> int:
        """Forget what was written before a moment, so many at a time. Answers how many."""
        first = sa.select(result.c.id, result.c.at).order_by(result.c.id).limit(limit).subquery()
        old = sa.select(first.c.id).where(first.c.at < before)
        return (await tx.execute(sa.delete(result).where(result.c.id.in_(old)))).rowcount


def _encoded(news: Sequence[News]) -> list[str]:
    """Bodies as JSON; one that many share is encoded once."""
    known: dict[int, str] = {}
    for one in news:
        if id(one.body) not in known:
            known[id(one.body)] = msgspec.json.encode(one.body).decode()
    return [known[id(one.body)] for one in news]


def _event(row: Any) -> Event:
    return Event(row.id, News(row.person, row.reservation, row.kind, row.body))
