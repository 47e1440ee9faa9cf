"""A cancellation: what was given up, why and when, what it cost, and what its person gets back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

from config.connections import Transaction
from config.problem import ProblemType
from upstreams.reservation.cancelling.settlement import Settled
from upstreams.trade.allocation import Taken
from upstreams.trade.money import Money

NOT_KEPT = ProblemType(
    "MJ-RSV-021",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The reservation does not hold that",
    "Read the reservation again, and cancel what stands in it.",
)
TOO_LATE = ProblemType(
    "MJ-RSV-022",
    HTTPStatus.CONFLICT,
    "It is too late to cancel this",
    "The terms of the reservation say until when it can be cancelled. Ask support if something went wrong.",
)
ONLY_WHOLE = ProblemType(
    "MJ-RSV-023",
    HTTPStatus.CONFLICT,
    "What is not confirmed yet is cancelled as a whole",
    "Cancel all of it, or confirm it first.",
)
FEE_GREW = ProblemType(
    "MJ-RSV-025",
    HTTPStatus.CONFLICT,
    "Cancelling costs more than was shown",
    "Look at what it costs now, and decide again.",
)
NO_SUCH_CANCELLATION = ProblemType(
    "MJ-RSV-024", HTTPStatus.NOT_FOUND, "There is no such cancellation", "Check its number."
)


@dataclass(frozen=True, slots=True)
class Cancellation:
    """One cancellation."""

    id: UUID
    reservation: UUID
    person: UUID
    reason: str
    at: datetime
    whole: bool
    """Whether nothing is left of the reservation."""
    settled: Sequence[Settled]
    refund_state: str | None = None
    """How far the refund is; None where nothing goes back."""

    def fee(self) -> int:
        """What is kept, in minor units."""
        return sum(one.fee.minor for one in self.settled)

    def refund(self) -> Money:
        """What goes back."""
        currency = self.settled[0].refund.currency
        return Money(sum(one.refund.minor for one in self.settled), currency)

    def document(self) -> dict[str, Any]:
        """As programs read it; amounts are minor units."""
        return {
            "id": self.id,
            "reservation": self.reservation,
            "reason": self.reason,
            "cancelled_at": self.at,
            "whole": self.whole,
            "lines": [
                {"sku": one.sku, "quantity": one.quantity, "fee": one.fee.minor, "refund": one.refund.minor}
                for one in self.settled
            ],
            "currency": self.refund().currency,
            "fee": self.fee(),
            "refund": {"amount": self.refund().minor, "state": self.refund_state},
        }


class Cancellations(Protocol):
    """Cancellations; a person reaches their own alone."""

    async def write(self, tx: Transaction, cancellation: Cancellation, given_back: Sequence[Taken]) -> None:
        """Why and when, what was given back and from where, and its money."""

    async def of(self, tx: Transaction, reservation: UUID, person: UUID) -> Sequence[Cancellation]:
        """All of one reservation of this person, the oldest first."""
