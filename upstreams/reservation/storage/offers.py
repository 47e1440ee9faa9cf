"""What can be reserved, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range, insert

from config.connections import Transaction
from upstreams.reservation.offers import Offer, Seat
from upstreams.reservation.storage.tables import booking, seat, sku
from upstreams.reservation.terms import terms_of
from upstreams.trade.allocation import Window
from upstreams.trade.money import Money


class StoredOffers:
    """`reservation.offers.Offers` in schema `reservation`."""

    async def find(
        self, tx: Transaction, *, product: UUID | None, between: Window | None, limit: int = 500
    ) -> Sequence[Offer]:
        """Things that can be reserved, by time and name: of one product, and with a slot that begins within a time."""
        query = sa.select(sku).where(sku.c.active).order_by(sku.c.starts_at.nulls_first(), sku.c.code).limit(limit)
        if product is not None:
            query = query.where(sku.c.product == product)
        if between is not None:
            query = query.where(sku.c.starts_at >= between.start, sku.c.starts_at < between.end)
        return [_offer(row) for row in await tx.execute(query)]

    async def seats(self, tx: Transaction, sku: str) -> Sequence[Seat]:
        """The seats of a thing, in the order of their places."""
        query = sa.select(seat.c.label, seat.c.hold.is_(None)).where(seat.c.sku == sku).order_by(seat.c.place)
        return [Seat(label, free) for label, free in await tx.execute(query)]

    async def taken(self, tx: Transaction, sku: str, within: Window) -> Sequence[Window]:
        """When a resource is taken, within a time."""
        span = Range(within.start, within.end, bounds="[)")
        query = (
            sa.select(booking.c.during)
            .where(booking.c.sku == sku, booking.c.active, booking.c.during.overlaps(span))
            .order_by(booking.c.during)
        )
        return [Window(during.lower, during.upper) for during in await tx.scalars(query)]

    async def lay_out(
        self, tx: Transaction, pattern: Offer, slots: Mapping[str, Window], warehouse: str
    ) -> Sequence[str]:
        """Make a thing for each slot, like the pattern; those that there are stay as they are. Answers the new ones."""
        if not slots:
            return []
        made = await tx.scalars(
            insert(sku)
            .values(
                [
                    {
                        "code": code,
                        "product": pattern.product,
                        "name": dict(pattern.name),
                        "starts_at": window.start,
                        "ends_at": window.end,
                        "currency": pattern.price.currency,
                        "price": pattern.price.minor,
                        "limit_per_request": pattern.limit_per_request,
                        "limit_per_person": pattern.limit_per_person,
                        "active": True,
                        "kind": "counted",
                    }
                    for code, window in slots.items()
                ]
            )
            .on_conflict_do_nothing()
            .returning(sku.c.code)
        )
        return sorted(made)

    async def seat(self, tx: Transaction, sku: str, labels: Sequence[str]) -> int:
        """Put seats to a thing, after those that it has. Answers how many are new."""
        if not labels:
            return 0
        last = await tx.scalar(sa.select(sa.func.coalesce(sa.func.max(seat.c.place), 0)).where(seat.c.sku == sku)) or 0
        made = await tx.execute(
            insert(seat)
            .values([{"sku": sku, "label": label, "place": last + n} for n, label in enumerate(labels, start=1)])
            .on_conflict_do_nothing()
        )
        return made.rowcount

    async def one(self, tx: Transaction, sku: str) -> Offer | None:
        """One thing, whether it can be reserved now or not."""
        row = (await tx.execute(_ONE, {"code": sku})).one_or_none()
        return _offer(row) if row else None


_ONE = sa.select(sku).where(sku.c.code == sa.bindparam("code"))


def _offer(row: Any) -> Offer:
    return Offer(
        row.code,
        row.product,
        row.kind,
        row.name,
        row.starts_at,
        row.ends_at,
        Money(row.price, row.currency),
        row.unit_minutes,
        row.limit_per_request,
        row.limit_per_person,
        terms_of(row.payment, row.deadlines),
    )
