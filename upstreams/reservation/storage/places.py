"""Seats and bookings in PostgreSQL. A seat has one holder or none; an exclusion constraint keeps times apart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Range

from config.connections import Transaction
from upstreams.reservation.deciding import Placed, Places
from upstreams.reservation.places import RESOURCE
from upstreams.reservation.storage.tables import booking, hold_seat, seat, sku
from upstreams.trade.allocation import Line, Taken, Window
from upstreams.trade.storage import bulk


class StoredPlaces:
    """`reservation.places.PlaceStore` in schema `reservation`."""

    async def lock(self, tx: Transaction, resources: Collection[str]) -> None:
        """Lock resources until the transaction ends, in the order of their names, after the stock."""
        if resources:
            rows = sa.select(sku.c.code).where(sku.c.code.in_(sorted(resources))).order_by(sku.c.code)
            await tx.execute(rows.with_for_update(key_share=True))

    async def shown(self, tx: Transaction, seated: Collection[str], windows: Mapping[str, Sequence[Window]]) -> Places:
        """The free seats of things, and when resources are taken around some spans of time."""
        seats: dict[str, list[str]] = {thing: [] for thing in seated}
        if seated:
            free = (
                sa.select(seat.c.sku, seat.c.label)
                .where(seat.c.sku.in_(sorted(seated)), seat.c.hold.is_(None))
                .order_by(seat.c.sku, seat.c.place)
            )
            for thing, label in await tx.execute(free):
                seats[thing].append(label)
        taken: dict[str, list[Window]] = {thing: [] for thing in windows}
        if windows:
            spans = [window for asked in windows.values() for window in asked]
            around = Range(min(span.start for span in spans), max(span.end for span in spans), bounds="[)")
            busy = (
                sa.select(booking.c.sku, booking.c.during)
                .where(booking.c.sku.in_(sorted(windows)), booking.c.active, booking.c.during.overlaps(around))
                .order_by(booking.c.sku, booking.c.during)
            )
            for thing, during in await tx.execute(busy):
                taken[thing].append(Window(during.lower, during.upper))
        return Places(seats, taken)

    async def take(self, tx: Transaction, placed: Sequence[Placed]) -> None:
        """Give seats and times to holds. Raises `IntegrityError` for a seat or a time that is taken."""
        await self._seat(tx, [(one.hold, thing, label) for one in placed for thing, label in one.seats])
        booked = [(one.hold, line) for one in placed for line in one.booked]
        if not booked:
            return
        of = sa.select(sku.c.code, sku.c.number).where(sku.c.code.in_(sorted({line.sku for _, line in booked})))
        numbers: dict[str, int] = dict((await tx.execute(of)).all())
        rows = [
            {
                "hold": hold,
                "sku": line.sku,
                "resource": numbers[line.sku],
                "during": line.during and Range(line.during.start, line.during.end, bounds="[)"),
                "quantity": line.quantity,
                "active": True,
            }
            for hold, line in booked
        ]
        await tx.execute(sa.insert(booking).values(rows))

    async def _seat(self, tx: Transaction, seats: Sequence[tuple[UUID, str, str]]) -> None:
        if not seats:
            return
        given = bulk.rows(
            "given",
            {
                "hold": (sa.Uuid, [hold for hold, _, _ in seats]),
                "sku": (sa.Text, [thing for _, thing, _ in seats]),
                "label": (sa.Text, [label for _, _, label in seats]),
            },
        )
        done = await tx.execute(
            sa.update(seat)
            .values(hold=given.c.hold)
            .where(seat.c.sku == given.c.sku, seat.c.label == given.c.label, seat.c.hold.is_(None))
        )
        if done.rowcount != len(seats):
            raise sa.exc.IntegrityError("a seat is taken", None, ValueError(done.rowcount))
        rows = [{"hold": hold, "sku": thing, "label": label} for hold, thing, label in seats]
        await bulk.insert(tx, hold_seat, rows)

    async def free(self, tx: Transaction, holds: Collection[UUID]) -> list[Taken]:
        """Let others have the seats and the times of these holds. Answers the resources alone: seats are counted."""
        await tx.execute(sa.update(seat).values(hold=None).where(seat.c.hold.in_(holds)))
        freed = await tx.execute(
            sa.update(booking)
            .values(active=False)
            .where(booking.c.hold.in_(holds), booking.c.active)
            .returning(booking.c.sku, booking.c.quantity)
        )
        return [Taken(thing, RESOURCE, quantity) for thing, quantity in freed]

    async def booked(self, tx: Transaction, holds: Collection[UUID]) -> list[Taken]:
        """The resources that holds keep."""
        query = sa.select(booking.c.sku, booking.c.quantity).where(booking.c.hold.in_(holds), booking.c.active)
        return [Taken(thing, RESOURCE, quantity) for thing, quantity in await tx.execute(query)]

    async def seats_of(self, tx: Transaction, hold: UUID) -> dict[str, list[str]]:
        """The seats that a hold keeps at this moment, by thing, the best first."""
        kept: dict[str, list[str]] = {}
        query = sa.select(seat.c.sku, seat.c.label).where(seat.c.hold == hold).order_by(seat.c.place)
        for thing, label in await tx.execute(query):
            kept.setdefault(thing, []).append(label)
        return kept

    async def give_back(self, tx: Transaction, hold: UUID, lines: Sequence[Line]) -> tuple[list[Line], list[Taken]]:
        """Free the seats and times of some lines; answers the lines that are counted, and the resources freed.

        Of a seated thing those seats that a line names, or else the last ones. Raises `ValueError` for a seat that the
        hold does not keep and for a part of a resource's time.
        """
        booked = {one.sku: one.quantity for one in await self.booked(tx, [hold])}
        resources = [line for line in lines if line.sku in booked]
        if any(line.quantity != booked[line.sku] for line in resources):
            raise ValueError("a resource's time is given back whole")
        counted = [line for line in lines if line.sku not in booked]
        kept = await self.seats_of(tx, hold)
        for line in counted:
            if line.sku in kept:
                await self._unseat(tx, hold, line, kept[line.sku])
        if not resources:
            return counted, []
        freed = await tx.execute(
            sa.update(booking)
            .values(active=False)
            .where(booking.c.hold == hold, booking.c.sku.in_([line.sku for line in resources]), booking.c.active)
            .returning(booking.c.sku, booking.c.quantity)
        )
        return counted, [Taken(thing, RESOURCE, quantity) for thing, quantity in freed]

    async def _unseat(self, tx: Transaction, hold: UUID, line: Line, kept: Sequence[str]) -> None:
        labels = line.seats or tuple(kept[-line.quantity :])
        if len(labels) != line.quantity or not set(labels) <= set(kept):
            raise ValueError(f"{line.sku}: these seats are not kept")
        await tx.execute(
            sa.update(seat)
            .values(hold=None)
            .where(seat.c.hold == hold, seat.c.sku == line.sku, seat.c.label.in_(labels))
        )
