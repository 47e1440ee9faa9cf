"""A payment from the wish to the money, as rules without a clock or a network.

`created`: its person is at the provider's page. `confirming`: authorised, and to be taken. `unknown`: the provider
was told to take it, and no answer is known: that is written down before it is told, so a crash leaves nothing else
behind, and whoever finds it so asks before telling again. `voiding`: it will not be taken, and the provider is told to
let go of what its person authorised, or may still authorise. `captured` and `failed` are for good. What a webhook or a
browser says moves nothing: it only makes us look.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from upstreams.trade.money import Money
from upstreams.trade.payments.provider import Refused, Stage, Standing, Uncertain
from upstreams.trade.payments.retries import MOST_ATTEMPTS, pause_after

State = Literal["created", "confirming", "unknown", "captured", "voiding", "failed"]
Act = Literal["capture", "look", "void"]
Answer = Standing | Refused | Uncertain | None
"""What came of asking: how it stands, a no, nothing that says, or that nobody knows of it."""

ABANDONED = "abandoned"
"""The failure of a payment that nobody authorised in time."""
A_MOMENT = timedelta(seconds=1)
"""How long a webhook waits for the answer that it may have overtaken."""
GRACE = timedelta(minutes=2)
"""How long after its end a payment is still waited for: somebody may be typing."""


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment. Its `id` is our key at the provider."""

    id: UUID
    subject: UUID
    """What it is for: whoever asked for it knows."""
    person: UUID
    amount: Money
    name: str
    provider: str
    state: State
    expires_at: datetime
    """Until when it is worth authorising."""
    next_attempt_at: datetime | None
    """When there is something to do; None where there is not."""
    attempts: int = 0
    """How often the provider was asked since the last answer that said something."""
    reference: str = ""
    """The provider's own key."""
    captured: int = 0
    """What was taken, in minor units."""
    failure: str = ""
    dead: bool = False
    """Whether nothing is tried any more until a person says so."""


def returned(payment: Payment, reference: str, now: datetime) -> Payment:
    """Its person came back from the provider's page: look at once.

    A payment that is being taken, or at its end, stays as it is. An answer that is under way counts no more: it may be
    older than what the person did.
    """
    if payment.state != "created":
        return payment
    return replace(payment, reference=reference or payment.reference, attempts=0, next_attempt_at=now)


def hinted(payment: Payment, now: datetime) -> Payment:
    """A webhook spoke of it: look, and of one that is being taken as soon as our own answer had its moment."""
    if payment.state == "unknown" and not payment.dead:
        return replace(payment, next_attempt_at=min(payment.next_attempt_at or now, now + A_MOMENT))
    return returned(payment, "", now)


def again(payment: Payment, now: datetime) -> Payment:
    """A person wants a dead one looked at once more."""
    return replace(payment, attempts=0, dead=False, next_attempt_at=now) if payment.dead else payment


def unwanted(payment: Payment, why: str, now: datetime) -> Payment:
    """What it was for is gone: it is not to be taken. One that may have been taken stays as it is: its money comes back
    as a refund, should there be any."""
    return _voided(payment, why, now) if payment.state in ("created", "confirming") else payment


def claimed(payment: Payment) -> tuple[Payment, Act]:
    """What to ask the provider, and the payment as it is written down before that."""
    if payment.state == "confirming":
        return replace(payment, state="unknown", attempts=payment.attempts + 1), "capture"
    tried = replace(payment, attempts=payment.attempts + 1)
    return tried, "void" if payment.state == "voiding" else "look"


def heard(payment: Payment, answer: Answer, now: datetime, chance: float) -> Payment:
    """The payment after an answer."""
    match answer:
        case Standing(stage=Stage.CAPTURED):
            return replace(
                payment,
                state="captured",
                captured=answer.captured,
                reference=answer.reference or payment.reference,
                attempts=0,
                failure="",
                next_attempt_at=None,
            )
        case Uncertain():
            return _unsure(payment, now, chance)
        case Standing(stage=Stage.FAILED):
            return _failed(payment, answer.code)
        case Refused() | None if payment.state == "voiding":
            return _failed(payment, "")  # there is nothing to let go of
        case Standing() if payment.state == "voiding":
            return _unsure(payment, now, chance)  # it was told to let go, and did not
        case Standing(stage=Stage.AUTHORISED):
            return _authorised(payment, answer.reference, now, chance)
        case Refused():  # it may still hold what its person authorised
            return _voided(payment, answer.code, now)
    return _nobody_authorised(payment, answer, now)


def _nobody_authorised(payment: Payment, there: Standing | None, now: datetime) -> Payment:
    end = payment.expires_at + GRACE
    if now < end:
        return replace(payment, state="created", attempts=0, next_attempt_at=end)
    return _failed(payment, ABANDONED) if there is None else _voided(payment, ABANDONED, now)


def _unsure(payment: Payment, now: datetime, chance: float) -> Payment:
    if payment.attempts >= MOST_ATTEMPTS:
        return replace(payment, dead=True, next_attempt_at=None)
    again = now + pause_after(payment.attempts, chance)
    if payment.state == "voiding":
        return replace(payment, next_attempt_at=again)
    # of one that nobody has authorised there is nothing to be unsure about
    return replace(payment, state="created" if payment.state == "created" else "unknown", next_attempt_at=again)


def _authorised(payment: Payment, reference: str, now: datetime, chance: float) -> Payment:
    known = replace(payment, state="confirming", reference=reference or payment.reference)
    if payment.state == "created":
        return replace(known, attempts=0, next_attempt_at=now)
    # it was told to take it, and did not: not at once again, and not for ever
    if payment.attempts >= MOST_ATTEMPTS:
        return replace(known, dead=True, next_attempt_at=None)
    return replace(known, next_attempt_at=now + pause_after(payment.attempts, chance))


def _voided(payment: Payment, why: str, now: datetime) -> Payment:
    return replace(payment, state="voiding", failure=why or "failed", attempts=0, dead=False, next_attempt_at=now)


def _failed(payment: Payment, why: str) -> Payment:
    return replace(
        payment, state="failed", failure=payment.failure or why or "failed", attempts=0, next_attempt_at=None
    )
