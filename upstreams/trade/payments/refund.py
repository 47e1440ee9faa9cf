"""A refund from the wish to the money, as rules without a clock or a network.

`requested` with whatever caused it; `sent` before the provider is called; then `succeeded` or `failed`, and `unknown`
where no answer came. Whoever finds one `sent` or `unknown` asks what became of it before sending it again, by the same
key: so it is given back once, however often this is cut off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from upstreams.trade.money import Money
from upstreams.trade.payments.payment import Answer
from upstreams.trade.payments.provider import Refused, Standing, Uncertain
from upstreams.trade.payments.retries import MOST_ATTEMPTS, pause_after

State = Literal["requested", "sent", "succeeded", "failed", "unknown"]
Act = Literal["send", "look"]
Cause = Literal["cancelled", "too_late", "unwanted", "wrong_amount"]
"""Why: its person cancelled; nothing could be had any more when the money came; what it was for was gone; the provider
took another amount than was asked for."""


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund. Its `id` is our key at the provider."""

    id: UUID
    payment: UUID
    cause: Cause
    of: UUID | None
    """The cancellation that it belongs to."""
    amount: Money
    state: State
    next_attempt_at: datetime | None
    attempts: int = 0
    reference: str = ""
    failure: str = ""
    dead: bool = False


def hinted(refund: Refund, now: datetime) -> Refund:
    """A webhook spoke of its payment: what gave no answer is asked for now."""
    return replace(refund, next_attempt_at=now) if refund.state == "unknown" and not refund.dead else refund


def again(refund: Refund, now: datetime) -> Refund:
    """A person wants it tried once more: what was refused is sent by the same key, what is unknown is asked for."""
    if refund.state == "succeeded":
        return refund
    state: State = "requested" if refund.state == "failed" else refund.state
    return replace(refund, state=state, attempts=0, dead=False, failure="", next_attempt_at=now)


def claimed(refund: Refund) -> tuple[Refund, Act]:
    """What to ask the provider, and the refund as it is written down before that."""
    tried = replace(refund, attempts=refund.attempts + 1)
    if refund.state == "requested":
        return replace(tried, state="sent"), "send"
    return tried, "look"


def heard(refund: Refund, answer: Answer, now: datetime, chance: float) -> Refund:
    """The refund after an answer."""
    if isinstance(answer, Refused):
        return replace(refund, state="failed", failure=answer.code or "failed", next_attempt_at=None)
    if isinstance(answer, Uncertain):
        return _unsure(refund, now, chance)
    there = answer.refund(str(refund.id)) if isinstance(answer, Standing) else None
    if there is None:
        # it never arrived, and is sent again by the same key: soon, but not for ever
        return replace(_unsure(refund, now, chance), state="requested")
    if there.stage == "pending":
        return _unsure(refund, now, chance)
    if there.stage == "failed":
        return replace(refund, state="failed", failure="failed", next_attempt_at=None)
    return replace(refund, state="succeeded", reference=there.reference, next_attempt_at=None, dead=False)


def _unsure(refund: Refund, now: datetime, chance: float) -> Refund:
    if refund.attempts >= MOST_ATTEMPTS:
        return replace(refund, state="unknown", dead=True, next_attempt_at=None)
    return replace(refund, state="unknown", next_attempt_at=now + pause_after(refund.attempts, chance))
