"""Requests in PostgreSQL: durable before they are answered, decided once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from config.connections import Transaction
from upstreams.reservation.request import Request, Reservable
from upstreams.reservation.storage.tables import request, request_line, sku
from upstreams.trade.allocation import Basket, Line, Outcome, basket_of
from upstreams.trade.money import Money
from upstreams.trade.storage import bulk


class StoredRequests:
    """`reservation.request.Requests` in schema `reservation`."""

    async def reservable(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, Reservable]:
        """Those of these things that can be reserved."""
        query = sa.select(sku.c.code, sku.c.price, sku.c.currency, sku.c.limit_per_request).where(
            sku.c.code.in_(sorted(skus)), sku.c.active
        )
        return {
            code: Reservable(code, Money(price, currency), limit)
            for code, price, currency, limit in await tx.execute(query)
        }

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
        await bulk.insert(
            tx,
            request_line,
            [
                {
                    "request": asked.basket.id,
                    "sku": line.sku,
                    "quantity": line.quantity,
                    "unit_price": things[line.sku].price.minor,
                }
                for line in asked.basket.lines
            ],
        )

    async def claim(self, tx: Transaction, idents: Sequence[UUID]) -> list[tuple[Basket, UUID]]:
        """Those of these requests that are still queued, locked, in order of arrival, each with its person.

        Waits for whoever decides one of them at the same time, and leaves out what they decided.
        """
        query = (
            sa.select(request.c.id, request.c.person)
            .where(request.c.id == sa.any_(sa.literal(list(idents), ARRAY(sa.Uuid))), request.c.state == "queued")
            .order_by(request.c.arrival)
            .with_for_update(key_share=True)
        )
        queued = [(ident, person) for ident, person in await tx.execute(query)]
        lines: dict[UUID, list[Line]] = {ident: [] for ident, _ in queued}
        query_lines = sa.select(request_line.c.request, request_line.c.sku, request_line.c.quantity).where(
            request_line.c.request == sa.any_(sa.literal(list(lines), ARRAY(sa.Uuid)))
        )
        for ident, thing, quantity in await tx.execute(query_lines):
            lines[ident].append(Line(thing, quantity))
        return [(basket_of(ident, lines[ident]), person) for ident, person in queued]

    async def decide(self, tx: Transaction, outcomes: Sequence[Outcome], now: datetime) -> None:
        """Write what became of claimed requests."""
        decided = bulk.rows(
            "decided",
            {
                "id": (sa.Uuid, [outcome.basket for outcome in outcomes]),
                "refusal": (sa.Text, [outcome.refusal for outcome in outcomes]),
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

    async def bury(self, tx: Transaction, ident: UUID, reason: str, now: datetime) -> None:
        """Give up on a request that cannot be decided, so that it holds nobody up."""
        await tx.execute(
            sa.update(request)
            .values(state="dead", refusal=reason, decided_at=now)
            .where(request.c.id == ident, request.c.state == "queued")
        )

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
