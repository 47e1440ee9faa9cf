"""What follows for a purchase from what the payment provider says (`upstreams.trade.payments.driver.Affairs`).

Everything here runs in the transaction that writes the payment, after the purchase was locked: paid or released for
good, or refunded, and never something in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy
from notifications.notice import NoticeKind
from upstreams.commerce.faults import NONE, Faults
from upstreams.commerce.ledger.booking import refunded, unearned
from upstreams.commerce.ordering.changes import Changes
from upstreams.commerce.ordering.purchase import Purchase
from upstreams.commerce.stores import Stores
from upstreams.trade.money import Money
from upstreams.trade.payments.driver import TOO_LATE, Afterwards
from upstreams.trade.payments.payment import Payment
from upstreams.trade.payments.refund import Cause, Refund

KEPT_WHILE_TAKEN = timedelta(minutes=5)
"""How long something is kept at least from the moment at which its payment was found authorised."""


@dataclass(frozen=True, slots=True)
class PurchaseAffairs:
    """Purchases that are paid for."""

    stores: Stores
    changes: Changes
    clock: Clock
    entropy: Entropy
    faults: Faults = NONE

    async def lock(self, tx: Transaction, subject: UUID) -> None:
        """Lock the purchase, before its payment."""
        await self._found(tx, subject)

    async def authorised(self, tx: Transaction, payment: Payment) -> tuple[bool, Afterwards]:
        """Keep what is held until the money is taken; take nothing for what cannot be had any more."""
        found, now = await self._found(tx, payment.subject), self.clock.now()
        assert found.hold is not None
        if found.state == "received":
            await self.stores.holding.prolong(tx, found.hold, now + KEPT_WHILE_TAKEN)
            return True, self._told
        worth = found.state == "released" and await self.stores.holding.can_be_had(tx, found.hold)
        return worth, self._told

    async def paid(self, tx: Transaction, payment: Payment) -> Afterwards:
        """Confirm what is held, take again what was released meanwhile, or give the money back."""
        found, now = await self._found(tx, payment.subject), self.clock.now()
        assert found.hold is not None
        if payment.captured != payment.amount.minor:
            return await self._give_back(tx, payment, found, "wrong_amount")
        if found.state == "released":
            if not await self.stores.holding.take_again(tx, found.hold, f"again:{payment.id}", now):
                return await self._give_back(tx, payment, found, "too_late")
        elif found.state != "received":
            return await self._give_back(tx, payment, found, "unwanted")
        await self.changes.pay(tx, found, payment.id, now)
        await self.faults.at("paid")
        return self._told

    async def unpaid(self, tx: Transaction, payment: Payment, *, told: bool) -> Afterwards:
        """Release what is held where the provider refused to take the money; its person may also begin again."""
        found, now = await self._found(tx, payment.subject), self.clock.now()
        if told and found.state == "received":
            await self.changes.release(tx, found, f"payment: {payment.failure}"[:500], now, end="released")
        if told or payment.failure == TOO_LATE:
            outcome = "too_late" if payment.failure == TOO_LATE else "refused"
            await self.changes.telling.buyer(tx, NoticeKind.ORDER_NOT_PAID, found, now, more={"payment": outcome})
        return self._told

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> Afterwards:
        """The money is back."""
        found, now = await self._found(tx, payment.subject), self.clock.now()
        await self.stores.ledger.book(tx, refunded(refund.id, refund.amount), now)
        await self.changes.telling.happened(tx, found, "refunded", now)
        await self.changes.telling.buyer(tx, NoticeKind.ORDER_REFUNDED, found, now, refund=refund.amount)
        await self.faults.at("refunded")
        return self._told

    async def not_refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> Afterwards:
        """A person has to look: whoever waits for the money is told that it takes longer."""
        found, now = await self._found(tx, payment.subject), self.clock.now()
        await self.changes.telling.buyer(tx, NoticeKind.ORDER_REFUND_STUCK, found, now, refund=refund.amount)
        return self._told

    async def _give_back(self, tx: Transaction, payment: Payment, found: Purchase, cause: Cause) -> Afterwards:
        now = self.clock.now()
        whole = Money(payment.captured, payment.amount.currency)
        await self.stores.ledger.book(tx, unearned(payment.id, whole), now)
        await self.stores.refunds.request(
            tx, Refund(self.entropy.uuid(), payment.id, cause, None, whole, "requested", now), now
        )
        if found.state == "received":
            await self.changes.release(tx, found, f"payment: {cause}", now, end="released")
        if cause != "unwanted":
            more = {"payment": "returned"}
            await self.changes.telling.buyer(tx, NoticeKind.ORDER_NOT_PAID, found, now, more=more, refund=whole)
        return self._told

    async def _found(self, tx: Transaction, subject: UUID) -> Purchase:
        found = await self.stores.purchases.lock(tx, subject)
        assert found is not None  # a payment refers to its purchase
        return found

    async def _told(self) -> None:
        await self.faults.at("paid_committed")
        await self.changes.telling.poke()
