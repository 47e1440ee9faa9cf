"""What drives payments and refunds on: claim one, ask the provider, write down what it said. Any number may run.

A claim is a transaction, the question another thing, and what came of it a second transaction: none stays open while
the provider thinks. The claim writes down beforehand that the question is under way, for as long as `LEASE`; so whoever
dies in between leaves something that is asked about, not something that is asked for again.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog

from config.clock import Clock
from config.connections import Database, Transaction
from upstreams.trade.payments import metrics
from upstreams.trade.payments import payment as payment_rules
from upstreams.trade.payments import refund as refund_rules
from upstreams.trade.payments.books import Payments, Refunds
from upstreams.trade.payments.payment import Answer, Payment
from upstreams.trade.payments.provider import Provider, Refused, Uncertain
from upstreams.trade.payments.refund import Refund

LEASE = timedelta(seconds=60)
"""How long a question may be under way before somebody else asks: longer than any provider's patience."""
TOO_LATE = "too_late"
"""The failure of a payment that is not taken, since what it was for cannot be had any more."""
_log = structlog.get_logger(__name__)

Afterwards = Callable[[], Awaitable[None]]
"""What is done once a transaction is committed: letting people know."""


class Affairs(Protocol):
    """What payments are for. Every method runs in the transaction that writes the payment; a failure undoes both."""

    async def lock(self, tx: Transaction, subject: UUID) -> None:
        """Lock what is paid for, before its payment: whoever changes either takes them in this order."""

    async def authorised(self, tx: Transaction, payment: Payment) -> tuple[bool, Afterwards]:
        """Its person has authorised it. Whether it is still worth taking; what it is for is kept meanwhile."""

    async def paid(self, tx: Transaction, payment: Payment) -> Afterwards:
        """The money is taken: give what it was for, or give the money back."""

    async def unpaid(self, tx: Transaction, payment: Payment, *, told: bool) -> Afterwards:
        """It will not be paid. `told`: the provider had been told to take it, and refused."""

    async def refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> Afterwards:
        """The provider says that the money is back."""

    async def not_refunded(self, tx: Transaction, payment: Payment, refund: Refund) -> Afterwards:
        """The provider refuses, or says nothing any more: a person has to look."""


@dataclass(slots=True)
class Driver:
    """Drives the payments and refunds of one service at one provider."""

    database: Database
    payments: Payments
    refunds: Refunds
    provider: Provider
    affairs: Affairs
    clock: Clock
    chance: random.Random

    async def drive(self) -> bool:
        """One payment and one refund that are due. Whether there was anything to do."""
        return any([await self.drive_payment(), await self.drive_refund()])

    async def drive_payment(self) -> bool:
        """The payment that is due longest; False where none is."""
        now = self.clock.now()
        async with self.database.begin() as tx:
            found = await self.payments.due(tx, self.provider.name, now)
            if found is None:
                return False
            claimed, act = payment_rules.claimed(found)
            claimed = replace(claimed, next_attempt_at=now + LEASE)
            await self.payments.save(tx, found, claimed, now)
        answer = await self._ask_of_payment(claimed, act)
        await self._settle_payment(claimed, answer)
        return True

    async def drive_refund(self) -> bool:
        """The refund that is due longest; False where none is."""
        now = self.clock.now()
        async with self.database.begin() as tx:
            found = await self.refunds.due(tx, self.provider.name, now)
            if found is None:
                return False
            payment = await self.payments.find(tx, found.payment, locked=False)
            assert payment is not None  # a refund refers to its payment
            claimed, act = refund_rules.claimed(found)
            claimed = replace(claimed, next_attempt_at=now + LEASE)
            await self.refunds.save(tx, found, claimed, now)
        answer = await self._ask_of_refund(payment, claimed, act)
        await self._settle_refund(payment, claimed, answer)
        return True

    async def _ask_of_payment(self, payment: Payment, act: payment_rules.Act) -> Answer:
        key = str(payment.id)
        if act == "capture":
            return await self._asked("capture", self.provider.capture(key, payment.reference, payment.amount))
        if act == "void":
            return await self._asked("void", self.provider.void(key, payment.reference))
        return await self._asked("look", self.provider.look(key, payment.reference))

    async def _ask_of_refund(self, payment: Payment, refund: Refund, act: refund_rules.Act) -> Answer:
        key = str(payment.id)
        if act == "look":
            return await self._asked("look", self.provider.look(key, payment.reference))
        return await self._asked(
            "refund",
            self.provider.refund(key, payment.reference, refund.amount, refund=str(refund.id), reason=refund.cause),
        )

    async def _asked(self, call: str, question: Awaitable[Answer]) -> Answer:
        answer: Answer
        try:
            answer = await question
        except (Refused, Uncertain) as error:
            answer = error
        except Exception as error:  # an answer that nobody foresaw says as little as none
            _log.exception("provider_not_understood", call=call)
            answer = Uncertain(type(error).__name__)
        word = {Refused: "refused", Uncertain: "uncertain"}.get(type(answer), "answered")
        metrics.CALLS.labels(self.provider.name, call, word).inc()
        if isinstance(answer, Refused | Uncertain):
            _log.warning("provider_call", call=call, came_to=word, why=str(answer))
        return answer

    async def _settle_payment(self, claimed: Payment, answer: Answer) -> None:
        now = self.clock.now()
        async with self.database.begin() as tx:
            await self.affairs.lock(tx, claimed.subject)
            current = await self.payments.find(tx, claimed.id)
            if current is None or (current.state, current.attempts) != (claimed.state, claimed.attempts):
                return  # it took too long, and somebody else is at it
            after = payment_rules.heard(current, answer, now, self.chance.random())
            afterwards: Afterwards = _nothing
            if after.state == "confirming":
                worth, afterwards = await self.affairs.authorised(tx, after)
                if not worth:
                    after = payment_rules.unwanted(after, TOO_LATE, now)
            # written first: what comes of it may refer to what was taken
            await self.payments.save(tx, current, after, now)
            if after.state == "captured":
                afterwards = await self.affairs.paid(tx, after)
            elif after.state in ("voiding", "failed") and current.state != "voiding":
                afterwards = await self.affairs.unpaid(tx, after, told=current.state == "unknown")
        if after.dead:
            metrics.DEAD.labels("payment").inc()
            _log.error("payment_dead", payment=str(after.id), attempts=after.attempts)
        if after.state in ("captured", "failed"):
            metrics.ENDED.labels("payment", after.state).inc()
        await afterwards()

    async def _settle_refund(self, payment: Payment, claimed: Refund, answer: Answer) -> None:
        now = self.clock.now()
        async with self.database.begin() as tx:
            await self.affairs.lock(tx, payment.subject)
            current = await self.refunds.lock(tx, claimed.id)
            if current is None or (current.state, current.attempts) != (claimed.state, claimed.attempts):
                return
            after = refund_rules.heard(current, answer, now, self.chance.random())
            await self.refunds.save(tx, current, after, now)
            afterwards: Afterwards = _nothing
            if after.state == "succeeded":
                afterwards = await self.affairs.refunded(tx, payment, after)
            elif after.state == "failed" or after.dead:
                afterwards = await self.affairs.not_refunded(tx, payment, after)
        if after.dead or after.state == "failed":
            metrics.DEAD.labels("refund").inc()
            _log.error("refund_dead", refund=str(after.id), attempts=after.attempts, why=after.failure)
        if after.state in ("succeeded", "failed"):
            metrics.ENDED.labels("refund", after.state).inc()
        await afterwards()


async def _nothing() -> None:
    """Nothing more to do."""
