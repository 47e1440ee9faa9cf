"""Cancelling, in one transaction: the reservation, its stock, what it costs, what goes back, and what people are told.

Whatever fails undoes all of it. Of many who cancel the same at once one does; the others are told that it is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from notifications.notice import NoticeKind
from upstreams.door.person import Person
from upstreams.reservation.cancelling.cancellation import (
    FEE_GREW,
    NO_SUCH_CANCELLATION,
    NOT_KEPT,
    ONLY_WHOLE,
    TOO_LATE,
    Cancellation,
)
from upstreams.reservation.cancelling.settlement import PaidLine, settle
from upstreams.reservation.changes import Changes
from upstreams.reservation.paying.desk import PaymentDesk
from upstreams.reservation.paying.stores import MoneyStores
from upstreams.reservation.record import ALREADY_CANCELLED, NO_SUCH_RESERVATION, NOT_DECIDED, NOT_NOW
from upstreams.reservation.reservation import Reservation
from upstreams.reservation.stores import Stores
from upstreams.reservation.telling import Telling
from upstreams.reservation.terms import TermLine
from upstreams.trade.allocation import Line, Taken
from upstreams.trade.idempotency import digest_of
from upstreams.trade.money import Money
from upstreams.trade.payments.driver import Afterwards
from upstreams.trade.payments.payment import Payment, unwanted
from upstreams.trade.payments.refund import Refund


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to cancel; no lines: all that is left."""

    lines: tuple[Line, ...] = ()
    reason: str = ""
    agreed: int | None = None
    """The fee that they were shown and agreed to, in minor units."""


class CancellationDesk:
    """Cancels reservations."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        money: MoneyStores,
        payments: PaymentDesk,
        telling: Telling,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._database = database
        self._stores = stores
        self._money = money
        self._payments = payments
        self._changes = Changes(stores)
        self._telling = telling
        self._clock = clock
        self._entropy = entropy

    async def cancel(self, person: Person, ident: UUID, wanted: Wanted, key: str | None = None) -> Cancellation:
        """Cancel some or all of it, once for each idempotency key.

        Raises `NO_SUCH_RESERVATION`, `NOT_DECIDED`, `ALREADY_CANCELLED`, `NOT_NOW`, `NOT_KEPT`, `TOO_LATE`,
        `ONLY_WHOLE`, `FEE_GREW`, `KEY_REUSED`.
        """
        now = self._clock.now()
        async with self._database.begin() as tx:
            if key is not None:
                asked = {"of": str(ident), "lines": _plain(wanted.lines), "reason": wanted.reason}
                earlier = await self._stores.keys.claim(tx, person.id, key, digest_of("cancellation", asked), now)
                if earlier is not None and earlier.result is not None:
                    return await self._found(tx, person, ident, earlier.result)
            found = await self._own(tx, ident, person)
            made = await self._cancel(tx, found, wanted, now)
            if wanted.agreed is not None and made.fee() > wanted.agreed:
                raise Problem(FEE_GREW)
            if key is not None:
                await self._stores.keys.settle(tx, person.id, key, result=made.id)
            afterwards = await self._write(tx, found, made, wanted, now)
        await afterwards()
        await self._payments.poke()
        return made

    async def preview(self, person: Person, ident: UUID, wanted: Wanted) -> Cancellation:
        """What `cancel` would do at this moment; nothing is changed. Raises as `cancel`."""
        async with self._database.begin() as tx:
            found = await self._own(tx, ident, person)
            return await self._cancel(tx, found, wanted, self._clock.now())

    async def all(self, person: Person, ident: UUID) -> Sequence[Cancellation]:
        """All of one reservation. Raises `NO_SUCH_RESERVATION`."""
        async with self._database.connect() as tx:
            if await self._stores.records.find(tx, ident, person.id) is None:
                raise Problem(NO_SUCH_RESERVATION)
            return await self._money.cancellations.of(tx, ident, person.id)

    async def one(self, person: Person, ident: UUID, cancellation: UUID) -> Cancellation:
        """One of them. Raises `NO_SUCH_CANCELLATION`."""
        async with self._database.connect() as tx:
            return await self._found(tx, person, ident, cancellation)

    async def terms(self, person: Person, ident: UUID) -> list[dict[str, Any]]:
        """What cancelling each line would cost at this moment. Raises `NO_SUCH_RESERVATION`."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            found = await self._own(tx, ident, person)
            kept = _counted(await self._changes.kept(tx, found))
            lines = await self._money.terms.of(tx, ident)
            seats = await self._stores.places.seats_of(tx, found.hold)
        return [
            {
                "sku": line.sku,
                "kept": kept[line.sku],
                "seats": seats.get(line.sku, []),
                "fee_basis_points": line.terms.policy.fee(line.starts_at, now),
                "starts_at": line.starts_at,
            }
            for line in lines
        ]

    async def _cancel(self, tx: Transaction, found: Reservation, wanted: Wanted, now: datetime) -> Cancellation:
        if found.state in ("CANCELLED", "REFUNDED"):
            raise Problem(ALREADY_CANCELLED)
        if found.state not in ("PENDING", "CONFIRMED"):
            raise Problem(NOT_NOW, f"It is {found.state}.")
        kept = _counted(await self._changes.kept(tx, found))
        quantities = _plain(wanted.lines) or dict(kept)
        if any(quantity > kept[sku] for sku, quantity in quantities.items()):
            raise Problem(NOT_KEPT)
        whole = quantities == dict(kept)
        if found.state == "PENDING" and not whole:
            raise Problem(ONLY_WHOLE)
        lines = await self._money.terms.of(tx, found.id)
        fees = _fees(lines, quantities, now) if found.state == "CONFIRMED" else dict.fromkeys(quantities, 0)
        payment = await self._money.payments.of(tx, found.id)
        currency = lines[0].unit_price.currency
        paid = Money(payment.captured if payment and payment.state == "captured" else 0, currency)
        before = [PaidLine(line.sku, line.quantity, line.in_advance, line.quantity - kept[line.sku]) for line in lines]
        settled = settle(paid, before, quantities, fees)
        ident = self._entropy.uuid()
        made = Cancellation(ident, found.id, found.person, wanted.reason, now, whole, settled)
        if made.refund().minor:
            made = replace(made, refund_state="requested")
        return made

    async def _write(
        self, tx: Transaction, found: Reservation, made: Cancellation, wanted: Wanted, now: datetime
    ) -> Afterwards:
        quantities = {one.sku: one.quantity for one in made.settled}
        seats = {line.sku: line.seats for line in wanted.lines}
        lines = [Line(sku, quantity, seats.get(sku, ())) for sku, quantity in quantities.items()]
        try:
            given_back = await self._changes.give_back(tx, found, lines, made.id, now)
        except ValueError as error:
            raise Problem(NOT_KEPT, str(error)) from error
        await self._money.cancellations.write(tx, made, given_back)
        payment = await self._money.payments.of(tx, found.id)
        if made.refund().minor and payment is not None:
            await self._refund(tx, payment, made, now)
        elif made.whole and payment is not None:  # what its person authorised, or still may, is let go of
            await self._money.payments.save(tx, payment, unwanted(payment, "cancelled", now), now)
        body: dict[str, object] = {"cancellation": made.document()}
        if made.whole:
            changed = await self._changes.move(
                tx, found, "CANCELLED", now, actor=found.person, reason=made.reason, more=body
            )
            events = changed.events
            await self._telling.happened(tx, found.person, found.id, "cancelled", now)
        else:
            body["state"] = found.state
            events = await self._telling.news(tx, found.person, found.id, "cancelled.part", body, now)
        await self._telling.mail(
            tx,
            NoticeKind.RESERVATION_CANCELLED,
            found.person,
            found.id,
            await self._money.terms.of(tx, found.id),
            now,
            quantities=quantities,
            more={"extent": "whole" if made.whole else "part"},
            fee=Money(made.fee(), made.refund().currency),
            refund=made.refund(),
        )
        return self._telling.afterwards(events, given_back)

    async def _refund(self, tx: Transaction, payment: Payment, made: Cancellation, now: datetime) -> None:
        refund = Refund(self._entropy.uuid(), payment.id, "cancelled", made.id, made.refund(), "requested", now)
        await self._money.refunds.request(tx, refund, now)

    async def _own(self, tx: Transaction, ident: UUID, person: Person) -> Reservation:
        found = await self._stores.reservations.lock(tx, ident, person.id)
        if found is not None:
            return found
        record = await self._stores.records.find(tx, ident, person.id)
        if record is None:
            raise Problem(NO_SUCH_RESERVATION)
        raise Problem(NOT_DECIDED if record.state == "QUEUED" else NOT_NOW, f"It is {record.state}.")

    async def _found(self, tx: Transaction, person: Person, ident: UUID, cancellation: UUID) -> Cancellation:
        for one in await self._money.cancellations.of(tx, ident, person.id):
            if one.id == cancellation:
                return one
        raise Problem(NO_SUCH_CANCELLATION)


def _fees(lines: Sequence[TermLine], quantities: Mapping[str, int], now: datetime) -> dict[str, int]:
    fees = {}
    for line in lines:
        if line.sku in quantities:
            fee = line.terms.policy.fee(line.starts_at, now)
            if fee is None:
                raise Problem(TOO_LATE)
            fees[line.sku] = fee
    return fees


def _counted(kept: Sequence[Taken]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for one in kept:
        counted[one.sku] += one.quantity
    return counted


def _plain(lines: Sequence[Line]) -> dict[str, int]:
    return {line.sku: line.quantity for line in lines}
