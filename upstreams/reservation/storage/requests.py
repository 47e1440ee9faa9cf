"""Requests in PostgreSQL: durable before they are answered, decided once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, Range

from config.connections import Transaction
from upstreams.reservation.deciding import Decision, Wish
from upstreams.reservation.request import Request, Reservable
from upstreams.reservation.storage.tables import booking, dead_letter, request, request_line, reservation, sku, trade
from upstreams.reservation.terms import terms_of
from upstreams.trade.allocation import Line, Window, basket_of
from upstreams.trade.money import Money
from upstreams.trade.storage import bulk


class StoredRequests:
    """`reservation.request.Requests` in schema `reservation`."""

    async def reservable(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, Reservable]:
        """Those of these things that can be reserved."""
        return await _things(tx, sku.c.code.in_(sorted(skus)), sku.c.active)

    async def submit(self, tx: Transaction, asked: Request, things: Mapping[str, Reservable], now: datetime) -> None:
        """Write a request; its place in the order of arrival is given here."""
        await tx.execute(
            sa.insert(request).values(
                id=asked.basket.id,
                person=asked.person,
                organisation=asked.organisation,
                shard=asked.shard,
                state="queued",
                currency=next(iter(things.values())).price.currency,
                requested_at=now,
                enqueued_at=now,
            )
        )
        await tx.execute(
            sa.insert(request_line).values(
                [
                    {
                        "request": asked.basket.id,
                        "sku": line.sku,
                        "quantity": line.quantity,
                        "unit_price": things[line.sku].price.minor,
                        "seats": list(line.seats) or None,
                        "during": line.during and Range(line.during.start, line.during.end, bounds="[)"),
                        "payment": things[line.sku].terms.payment,
                        "deadlines": things[line.sku].terms.written(),
                    }
                    for line in asked.basket.lines
                ]
            )
        )

    async def things(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, Reservable]:
        """All of these things that there are, whether they can be reserved now or could when they were asked for."""
        return await _things(tx, sku.c.code.in_(sorted(skus)))

    async def had(
        self, tx: Transaction, persons: Collection[UUID], skus: Collection[str]
    ) -> Mapping[tuple[UUID, str], int]:
        """How many of these things these persons hold or have confirmed."""
        line = trade.hold_line
        mine = sa.and_(
            reservation.c.person == sa.any_(sa.literal(list(persons), ARRAY(sa.Uuid, dimensions=1))),
            reservation.c.state.in_(("PENDING", "CONFIRMED")),
        )
        counted = (
            sa.select(reservation.c.person, line.c.sku, (line.c.quantity - line.c.given_back).label("quantity"))
            .join(line, line.c.hold == reservation.c.hold)
            .where(mine, line.c.sku.in_(sorted(skus)))
        )
        booked = (
            sa.select(reservation.c.person, booking.c.sku, booking.c.quantity)
            .join(booking, booking.c.hold == reservation.c.hold)
            .where(mine, booking.c.sku.in_(sorted(skus)), booking.c.active)
        )
        every = counted.union_all(booked).subquery()
        query = sa.select(every.c.person, every.c.sku, sa.func.sum(every.c.quantity)).group_by(
            every.c.person, every.c.sku
        )
        return {(person, thing): int(quantity) for person, thing, quantity in await tx.execute(query)}

    async def claim(self, tx: Transaction, idents: Sequence[UUID]) -> list[Wish]:
        """Those of these requests that are still queued, locked, in the order in which they are named.

        Waits for whoever decides one of them at the same time, and leaves out what they decided.
        """
        query = (
            sa.select(request.c.id, request.c.person, request.c.requested_at)
            .where(
                request.c.id == sa.any_(sa.literal(list(idents), ARRAY(sa.Uuid, dimensions=1))),
                request.c.state == "queued",
            )
            .order_by(request.c.arrival)
            .with_for_update(key_share=True)
        )
        found = {row.id: row for row in await tx.execute(query)}
        lines: dict[UUID, list[Line]] = {ident: [] for ident in found}
        query_lines = sa.select(
            request_line.c.request, request_line.c.sku, request_line.c.quantity, request_line.c.seats,
            request_line.c.during,
        ).where(request_line.c.request == sa.any_(sa.literal(list(lines), ARRAY(sa.Uuid, dimensions=1))))  # fmt: skip
        for ident, thing, quantity, seats, during in await tx.execute(query_lines):
            window = Window(during.lower, during.upper) if during is not None else None
            lines[ident].append(Line(thing, quantity, tuple(seats or ()), window))
        return [
            Wish(basket_of(ident, lines[ident]), found[ident].person, found[ident].requested_at)
            for ident in idents
            if ident in found
        ]

    async def decide(self, tx: Transaction, decisions: Sequence[Decision], now: datetime) -> None:
        """Write what became of claimed requests."""
        decided = bulk.rows(
            "decided",
            {
                "id": (sa.Uuid, [one.request for one in decisions]),
                "refusal": (sa.Text, [one.refusal for one in decisions]),
            },
        )
        await tx.execute(
            sa.update(request)
            .values(
                state=sa.case((decided.c.refusal.is_(None), "granted"), else_="refused"),
                refusal=decided.c.refusal,
                decided_at=now,
            )
            .where(request.c.id == decided.c.id)
        )

    async def bury(
        self, tx: Transaction, ident: UUID, reason: str, now: datetime, *, error: str, sqlstate: str | None
    ) -> None:
        """Give up on a request that cannot be decided, so that it holds nobody up; it is a dead letter now."""
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

    async def waiting(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, int]:
        """How many of each thing queued requests ask for."""
        query = (
            sa.select(request_line.c.sku, sa.func.sum(request_line.c.quantity))
            .join(request, request.c.id == request_line.c.request)
            .where(request.c.state == "queued", request_line.c.sku.in_(sorted(skus)))
            .group_by(request_line.c.sku)
        )
        return {thing: int(quantity) for thing, quantity in await tx.execute(query)}

    async def queued_of(self, tx: Transaction, person: UUID) -> Sequence[tuple[UUID, int]]:
        """A person's queued requests, each with its shard."""
        mine = sa.select(request.c.id, request.c.shard).where(request.c.person == person, request.c.state == "queued")
        return [(ident, shard) for ident, shard in await tx.execute(mine)]

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

    async def forgotten(
        self, tx: Transaction, before: datetime, now: datetime, *, limit: int, shard: int | None = None
    ) -> list[tuple[UUID, int]]:
        """Queued requests that were last put into the stream before a moment, each with its shard.

        They are marked as put in now.
        """
        chosen = (
            sa.select(request.c.id)
            .where(request.c.state == "queued", request.c.enqueued_at <= before)
            .order_by(request.c.arrival)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if shard is not None:
            chosen = chosen.where(request.c.shard == shard)
        found = await tx.execute(
            sa.update(request)
            .values(enqueued_at=now)
            .where(request.c.id.in_(chosen))
            .returning(request.c.arrival, request.c.id, request.c.shard)
        )
        in_order = sorted(found.all(), key=lambda row: row.arrival)
        return [(row.id, row.shard) for row in in_order]

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


async def _things(tx: Transaction, *where: sa.ColumnElement[bool]) -> Mapping[str, Reservable]:
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
