"""What follows for a reservation from what the payment provider says (`upstreams.trade.payments.driver.Affairs`).

Everything here runs in the transaction that writes the payment, after the reservation was locked: confirmed or released
for good, or refunded, and never something in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy
from notifications.notice import NoticeKind
from upstreams.reservation.changes import Changes
from upstreams.reservation.happening import Event
from upstreams.reservation.paying.stores import MoneyStores
from upstreams.reservation.reservation import Reservation
from upstreams.reservation.stores import Stores
from upstreams.reservation.telling import Telling
from upstreams.trade.allocation import Taken
from upstreams.trade.money import Money
from upstreams.trade.payments.driver import TOO_LATE, Afterwards
from upstreams.trade.payments.payment import Payment
from upstreams.trade.payments.refund import Cause, Refund

KEPT_WHILE_TAKEN = timedelta(minutes=5)
"""How long something is kept at least from the moment at which its payment was found authorised."""


@dataclass(frozen=True, slots=True)
class ReservationAffairs:
    """Reservations that are paid for."""

    stores: Stores
    money: MoneyStores
    changes: Changes
    telling: Telling
    clock: Clock
    entropy: Entropy

    async def lock(self, tx: Transaction, subject: UUID) -> None:
        """Lock the reservation, before its payment."""
        await self._found(tx, subject)

    async def authorised(self, tx: Transaction, payment: Payment) -> tuple[bool, Afterwards]:
        """Keep what is held until the money is taken; take nothing for what cannot be had any more."""
        found, now = await self._found(tx, payment.subject), self.clock.now()
        if found.state == "PENDING":
            await self.money.terms.prolong(tx, found.hold, now + KEPT_WHILE_TAKEN)
            return True, _nothing
        return found.state == "EXPIRED" and await self.money.terms.can_be_had(tx, found.hold), _nothing

    async def paid(self, tx: Transaction, payment: Payment) -> Afterwards:
        """Confirm what is held, take again what expired meanwhile, or give the money back."""
        found, now = await self._found(tx, payment.subject), self.clock.now()
        if payment.captured != payment.amount.minor:
            return await self._give_back(tx, payment, found, "wrong_amount")
        if found.state == "EXPIRED":
            if not await self.money.terms.take_again(tx, found.hold, f"again:{payment.id}", now):
                return await self._give_back(tx, payment, found, "too_late")
        elif found.state == "PENDING":
            # it may have run out a moment ago: as long as it is held nobody else has it
            await self.money.terms.prolong(tx, found.hold, now + KEPT_WHILE_TAKEN)
            found = await self._found(tx, payment.subject)
        else:
            return await self._give_back(tx, payment, found, "unwanted")
        changed = await self.changes.confirm(tx, found, now, actor=None)
        await self.telling.happened(tx, found.person, found.id, "confirmed", now)
        lines = await self.money.terms.of(tx, found.id)
        kind, paid = NoticeKind.RESERVATION_CONFIRMED, Money(payment.captured, payment.amount.currency)
        await self.telling.mail(tx, kind, found.person, found.id, lines, now, paid=paid)
        return self.telling.afterwards(changed.events)

    async def unpaid(self, tx: Transaction, payment: Payment, *, told: bool) -> Afterwards:
        """Release what is held where the provider refused to take the money; its person may also begin again."""
        found, now = await self._found(tx, payment.subject), self.clock.now()
        body = {"state": found.state, "reason": payment.failure}
        if told and found.state == "PENDING":
            changed = await self.changes.release(tx, found, f"payment: {payment.failure}", now)
            events = [*changed.events]
            given_back = list(changed.given_back)
            body["state"] = "RELEASED"
        else:
            events, given_back = [], []
        events += await self.telling.news(tx, found.person, found.id, "payment.failed", body, now)
        if told or payment.failure == TOO_LATE:
            outcome = {"payment": "too_late" if payment.failure == TOO_LATE else "refused"}
            lines = await self.money.terms.of(tx, found.id)
            kind = NoticeKind.RESERVATION_NOT_PAID
            await self.telling.mail(tx, kind, found.person, found.id, lines, now, more=outcome)
        return self.telling.afterwards(events, given_back)

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> Afterwards:
        """The money is back; a cancelled reservation whose money all is, is REFUNDED."""
        found, now = await self._found(tx, payment.subject), self.clock.now()
        refunds = await self.money.refunds.of(tx, payment.id)
        events: list[Event] = []
        if found.state == "CANCELLED" and all(one.state == "succeeded" for one in refunds):
            events += (await self.changes.move(tx, found, "REFUNDED", now, actor=None)).events
            found = await self._found(tx, payment.subject)
        body = {"state": found.state, "refund": refund.id, "amount": refund.amount.minor, "cancellation": refund.of}
        events += await self.telling.news(tx, found.person, found.id, "refund.succeeded", body, now)
        lines = await self.money.terms.of(tx, found.id)
        kind = NoticeKind.RESERVATION_REFUNDED
        await self.telling.mail(tx, kind, found.person, found.id, lines, now, refund=refund.amount)
        return self.telling.afterwards(events)

    async def not_refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> Afterwards:
        """A person has to look: whoever waits for the money is told that it takes longer."""
        found, now = await self._found(tx, payment.subject), self.clock.now()
        body = {"state": found.state, "refund": refund.id, "amount": refund.amount.minor, "cancellation": refund.of}
        events = await self.telling.news(tx, found.person, found.id, "refund.failed", body, now)
        lines = await self.money.terms.of(tx, found.id)
        kind = NoticeKind.RESERVATION_REFUND_STUCK
        await self.telling.mail(tx, kind, found.person, found.id, lines, now, refund=refund.amount)
        return self.telling.afterwards(events)

    async def _give_back(self, tx: Transaction, payment: Payment, found: Reservation, cause: Cause) -> Afterwards:
        now = self.clock.now()
        whole = Money(payment.captured, payment.amount.currency)
        await self.money.refunds.request(
            tx, Refund(self.entropy.uuid(), payment.id, cause, None, whole, "requested", now), now
        )
        events: list[Event] = []
        given_back: Sequence[Taken] = ()
        if found.state == "PENDING":
            changed = await self.changes.release(tx, found, f"payment: {cause}", now)
            events, given_back = [*changed.events], changed.given_back
        body = {"state": found.state, "reason": cause, "amount": whole.minor}
        events += await self.telling.news(tx, found.person, found.id, "payment.returned", body, now)
        if cause != "unwanted":
            lines = await self.money.terms.of(tx, found.id)
            kind, more = NoticeKind.RESERVATION_NOT_PAID, {"payment": "returned"}
            await self.telling.mail(tx, kind, found.person, found.id, lines, now, more=more, refund=whole)
        return self.telling.afterwards(events, given_back)

    async def _found(self, tx: Transaction, subject: UUID) -> Reservation:
        found = await self.stores.reservations.lock(tx, subject)
        assert found is not None  # a payment refers to its reservation
        return found


async def _nothing() -> None:
    """Nobody needs to be told."""
