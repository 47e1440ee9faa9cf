"""Requests in PostgreSQL: durable before they are answered, decided once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, REGCLASS, TSTZRANGE

from config.connections import Transaction
from config.direct import Statement
from upstreams.reservation.deciding import Decision, Shape
from upstreams.reservation.request import Request, Reservable
from upstreams.reservation.storage.tables import (
    booking,
    dead_letter,
    request,
    request_line,
    reservation,
    sku,
    trade,
    waiting,
)
from upstreams.reservation.terms import terms_of
from upstreams.trade.money import Money
from upstreams.trade.storage import bulk

_things = bulk.given("things", {"code": sa.Text})
_SHAPES = Statement(
    sa.select(sku.c.code, sku.c.kind, sku.c.limit_per_person).join(_things, _things.c.code == sku.c.code)
)
_NUMBERS = Statement(
    sa.select(sa.func.nextval(sa.cast("reservation.result_id_seq", REGCLASS)).label("event")).select_from(
        sa.func.generate_series(1, sa.bindparam("count", type_=sa.Integer))
    )
)
_decided = bulk.given("decided", {"id": sa.Uuid, "refusal": sa.Text, "event": sa.BigInteger})
_DECIDE = Statement(
    sa.update(request)
    .values(
        state=sa.case((_decided.c.refusal.is_(None), "granted"), else_="refused"),
        refusal=_decided.c.refusal,
        decided_at=sa.bindparam("now", type_=request.c.decided_at.type),
        event=_decided.c.event,
    )
    .where(request.c.id == _decided.c.id)
)

_asked = (
    sa.insert(request)
    .values(
        id=sa.bindparam("ident", type_=sa.Uuid),
        person=sa.bindparam("asked_by", type_=sa.Uuid),
        organisation=sa.bindparam("of", type_=sa.Uuid),
        shard=sa.bindparam("line", type_=sa.SmallInteger),
        state="queued",
        currency=sa.bindparam("priced_in", type_=request.c.currency.type),
        requested_at=sa.bindparam("now", type_=request.c.requested_at.type),
    )
    .returning(
        request.c.id, request.c.arrival, request.c.shard, request.c.person, request.c.requested_at.label("asked_at")
    )
    .cte("asked")
)
_SUBMIT = Statement(
    sa.insert(waiting).from_select(
        ["request", "arrival", "shard", "person", "requested_at", "enqueued_at"],
        sa.select(*_asked.c, _asked.c.asked_at.label("enqueued_at")),
    )
)
_SUBMIT_LINE = Statement(
    sa.insert(request_line).values(
        request=sa.bindparam("ident", type_=sa.Uuid),
        sku=sa.bindparam("thing", type_=sa.Text),
        quantity=sa.bindparam("count", type_=sa.Integer),
        unit_price=sa.bindparam("each", type_=sa.BigInteger),
        seats=bulk.array("places", sa.Text),
        during=sa.cast(sa.bindparam("time", type_=sa.Text), TSTZRANGE),
        payment=sa.bindparam("terms", type_=sa.Text),
        deadlines=sa.cast(sa.bindparam("until", type_=sa.Text), JSONB),
    )
)
_RESERVABLE = Statement(
    sa.select(
        sku.c.code,
        sku.c.price,
        sku.c.currency,
        sku.c.limit_per_request,
        sku.c.kind,
        sku.c.limit_per_person,
        sku.c.unit_minutes,
        sku.c.payment,
        sa.cast(sku.c.deadlines, sa.Text).label("deadlines"),
        sa.cast(sku.c.name, sa.Text).label("name"),
    )
    .join(_things, _things.c.code == sku.c.code)
    .where(sku.c.active)
)


class StoredRequests:
    """`reservation.request.Requests` in schema `reservation`."""

    async def reservable(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, Reservable]:
        """Those of these things that can be reserved."""
        found = await _RESERVABLE.rows(tx, all_code=sorted(skus))
        return {
            row["code"]: Reservable(
                row["code"],
                Money(row["price"], row["currency"]),
                row["limit_per_request"],
                row["kind"],
                row["limit_per_person"],
                row["unit_minutes"],
                terms_of(row["payment"], msgspec.json.decode(row["deadlines"])),
                msgspec.json.decode(row["name"]),
            )
            for row in found
        }

    async def submit(self, tx: Transaction, asked: Request, things: Mapping[str, Reservable], now: datetime) -> None:
        """Write a request; its place in the order of arrival is given here."""
        await _SUBMIT.rows(
            tx,
            ident=asked.basket.id,
            asked_by=asked.person,
            of=asked.organisation,
            line=asked.shard,
            priced_in=next(iter(things.values())).price.currency,
            now=now,
        )
        for line in asked.basket.lines:
            thing = things[line.sku]
            await _SUBMIT_LINE.rows(
                tx,
                ident=asked.basket.id,
                thing=line.sku,
                count=line.quantity,
                each=thing.price.minor,
                places=list(line.seats) or None,
                time=line.during and f"[{line.during.start.isoformat()},{line.during.end.isoformat()})",
                terms=thing.terms.payment,
                until=msgspec.json.encode(thing.terms.written()).decode(),
            )

    async def things(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, Reservable]:
        """All of these things that there are, whether they can be reserved now or could when they were asked for."""
        return await _all(tx, sku.c.code.in_(sorted(skus)))

    async def had(
        self, tx: Transaction, persons: Collection[UUID], skus: Collection[str]
    ) -> Mapping[tuple[UUID, str], int]:
        """How many of these things these persons hold or have confirmed."""
        line = trade.hold_line
        # by their requests, which have an index by person
        mine = sa.and_(
            request.c.person == sa.any_(sa.literal(list(persons), ARRAY(sa.Uuid, dimensions=1))),
            request.c.state == "granted",
            reservation.c.state.in_(("PENDING", "CONFIRMED")),
        )
        counted = (
            sa.select(reservation.c.person, line.c.sku, (line.c.quantity - line.c.given_back).label("quantity"))
            .join(request, request.c.id == reservation.c.id)
            .join(line, line.c.hold == reservation.c.hold)
            .where(mine, line.c.sku.in_(sorted(skus)))
        )
        booked = (
            sa.select(reservation.c.person, booking.c.sku, booking.c.quantity)
            .join(request, request.c.id == reservation.c.id)
            .join(booking, booking.c.hold == reservation.c.hold)
            .where(mine, booking.c.sku.in_(sorted(skus)), booking.c.active)
        )
        every = counted.union_all(booked).subquery()
        query = sa.select(every.c.person, every.c.sku, sa.func.sum(every.c.quantity)).group_by(
            every.c.person, every.c.sku
        )
        return {(person, thing): int(quantity) for person, thing, quantity in await tx.execute(query)}

    async def shapes(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, Shape]:
        """What each of these things is, and how many of it one person may have."""
        found = await _SHAPES.rows(tx, all_code=sorted(skus))
        return {row["code"]: Shape(row["kind"], row["limit_per_person"]) for row in found}

    async def decide(self, tx: Transaction, decisions: Sequence[Decision], now: datetime) -> list[int]:
        """Write what became of claimed requests. Answers the number of each among the events, in their order."""
        numbers = sorted(row["event"] for row in await _NUMBERS.rows(tx, count=len(decisions)))
        await _DECIDE.rows(
            tx,
            all_id=[one.request for one in decisions],
            all_refusal=[one.refusal for one in decisions],
            all_event=numbers,
            now=now,
        )
        return numbers

    async def bury(
        self, tx: Transaction, ident: UUID, reason: str, now: datetime, *, error: str, sqlstate: str | None
    ) -> None:
        """Give up on a request that cannot be decided, so that it holds nobody up; it is a dead letter now."""
        await tx.execute(sa.delete(waiting).where(waiting.c.request == ident))
        await tx.execute(
            sa.update(request)
            .values(state="dead", refusal=reason, decided_at=now)
            .where(request.c.id == ident, request.c.state == "queued")
        )
        await tx.execute(
            sa.insert(dead_letter).values(request=ident, error=error[:500], sqlstate=sqlstate, buried_at=now)
        )

    async def reservable_skus(self, tx: Transaction) -> Collection[str]:
        """Everything that can be reserved."""
        return (await tx.scalars(sa.select(sku.c.code).where(sku.c.active))).all()

    async def keys_since(self, tx: Transaction, moment: datetime) -> Sequence[tuple[UUID, str]]:
        """The idempotency keys that were used since a moment, each with its person."""
        keys = trade.idempotency.c
        return [
            (person, key) for person, key in await tx.execute(sa.select(keys.person, keys.key).where(keys.at >= moment))
        ]

    async def forget_keys(self, tx: Transaction, before: datetime, *, limit: int) -> int:
        """Forget the idempotency keys that were used before a moment, so many at a time. Answers how many."""
        keys = trade.idempotency.c
        old = sa.select(keys.person, keys.key).where(keys.at < before).order_by(keys.at).limit(limit)
        return (
            await tx.execute(sa.delete(trade.idempotency).where(sa.tuple_(keys.person, keys.key).in_(old)))
        ).rowcount

    async def acknowledge(self, tx: Transaction, person: UUID, idents: Collection[UUID], now: datetime) -> None:
        """The person's page has these results."""
        await tx.execute(
            sa.update(request)
            .values(acknowledged_at=now)
            .where(
                request.c.id.in_(idents),
                request.c.person == person,
                request.c.decided_at.is_not(None),
                request.c.acknowledged_at.is_(None),
            )
        )


async def _all(tx: Transaction, *where: sa.ColumnElement[bool]) -> Mapping[str, Reservable]:
    query = sa.select(
        sku.c.code,
        sku.c.price,
        sku.c.currency,
        sku.c.limit_per_request,
        sku.c.kind,
        sku.c.limit_per_person,
        sku.c.unit_minutes,
        sku.c.payment,
        sku.c.deadlines,
        sku.c.name,
    ).where(*where)
    return {
        row.code: Reservable(
            row.code,
            Money(row.price, row.currency),
            row.limit_per_request,
            row.kind,
            row.limit_per_person,
            row.unit_minutes,
            terms_of(row.payment, row.deadlines),
            row.name,
        )
        for row in await tx.execute(query)
    }
