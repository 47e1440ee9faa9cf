"""Requests that wait, in PostgreSQL: a row each, which whoever decides the request takes away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import methodcaller
from uuid import UUID

import sqlalchemy as sa

from config.connections import Transaction
from config.direct import Statement
from upstreams.reservation.deciding import Wish
from upstreams.reservation.storage.tables import request, request_line, waiting
from upstreams.trade.allocation import Basket, Line, Window
from upstreams.trade.storage import bulk

_CHOSEN = sa.any_(bulk.array("idents", sa.Uuid))
_TAKE_AWAY = Statement(
    sa.delete(waiting)
    .where(waiting.c.request == _CHOSEN)
    .returning(waiting.c.request, waiting.c.person, waiting.c.requested_at)
)
_LINES = Statement(
    sa.select(
        request_line.c.request, request_line.c.sku, request_line.c.quantity, request_line.c.seats, request_line.c.during
    ).where(request_line.c.request == _CHOSEN)
)

MANY = 16
"""Requests from which on the planner would rather read a whole table, page by page, than look each of them up."""
_BY_KEY = Statement(
    sa.select(*(sa.func.set_config(f"enable_{way}", "off", True) for way in ("seqscan", "hashjoin", "mergejoin")))
)
"""For the rest of the transaction rows are found by their keys: a table of all requests ever made is much longer than
a batch, and in memory."""
_values = methodcaller("values")


class StoredWaiting:
    """`reservation.waiting.Waiting` in schema `reservation`."""

    async def claim(self, tx: Transaction, idents: Sequence[UUID]) -> list[Wish]:
        """Those of these requests that still wait, in the order in which they are named. They wait no more.

        Waits for whoever decides one of them at the same time, and leaves out what they decided.
        """
        if len(idents) > MANY:
            await _BY_KEY.rows(tx)
        rows = await _TAKE_AWAY.rows(tx, idents=list(idents))
        found = {ident: (person, at) for ident, person, at in map(_values, rows)}
        if not found:
            return []
        lines: dict[UUID, tuple[Line, ...]] = {}
        alike: dict[tuple[str, int], tuple[Line, ...]] = {}
        for ident, thing, quantity, seats, during in map(_values, await _LINES.rows(tx, idents=list(found))):
            if seats is None and during is None:
                line = alike.get((thing, quantity)) or alike.setdefault((thing, quantity), (Line(thing, quantity),))
            else:
                window = Window(during.lower, during.upper) if during is not None else None
                line = (Line(thing, quantity, tuple(seats or ()), window),)
            lines[ident] = lines[ident] + line if ident in lines else line
        wishes = []
        for ident in idents:
            if (who := found.get(ident)) is not None:
                asked = lines[ident]  # a thing stands in it once, as `basket_of` made it
                if len(asked) > 1:
                    asked = tuple(sorted(asked, key=lambda line: line.sku))
                wishes.append(Wish(Basket(ident, asked), *who))
        return wishes

    async def units(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, int]:
        """How many of each thing those who wait ask for."""
        query = (
            sa.select(request_line.c.sku, sa.func.sum(request_line.c.quantity))
            .join(waiting, waiting.c.request == request_line.c.request)
            .where(request_line.c.sku.in_(sorted(skus)))
            .group_by(request_line.c.sku)
        )
        return {thing: int(quantity) for thing, quantity in await tx.execute(query)}

    async def of(self, tx: Transaction, person: UUID) -> Sequence[tuple[UUID, int]]:
        """A person's requests that wait, each with its shard."""
        mine = sa.select(request.c.id, request.c.shard).where(request.c.person == person, request.c.state == "queued")
        return [(ident, shard) for ident, shard in await tx.execute(mine)]

    async def forgotten(
        self, tx: Transaction, before: datetime, now: datetime, *, limit: int, shard: int | None = None
    ) -> list[tuple[UUID, int]]:
        """Those that were last put into the stream before a moment, each with its shard, in the order of arrival.

        They are marked as put in now.
        """
        chosen = (
            sa.select(waiting.c.request)
            .where(waiting.c.enqueued_at <= before)
            .order_by(waiting.c.arrival)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if shard is not None:
            chosen = chosen.where(waiting.c.shard == shard)
        found = await tx.execute(
            sa.update(waiting)
            .values(enqueued_at=now)
            .where(waiting.c.request.in_(chosen))
            .returning(waiting.c.arrival, waiting.c.request, waiting.c.shard)
        )
        return [(row.request, row.shard) for row in sorted(found.all(), key=lambda row: row.arrival)]
