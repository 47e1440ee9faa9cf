"""What the API of payments and cancellations asks and answers, for its description (`endpoints.description`)."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from uuid import UUID

import msgspec

from config.openapi import Details, Header, Operation
from upstreams.reservation import record as problems
from upstreams.reservation.cancelling import cancellation as cancelling
from upstreams.reservation.endpoints.administration import BASE
from upstreams.reservation.endpoints.cancellations import AskedCancellation
from upstreams.reservation.paying import desk as paying
from upstreams.trade.idempotency import HEADER, KEY_REUSED
from upstreams.trade.payments.payment import State as PaymentState
from upstreams.trade.payments.refund import Cause
from upstreams.trade.payments.refund import State as RefundState


class Checkout(msgspec.Struct):
    """The way to the provider's page: its address, or what its script is given."""

    url: str | None
    script: dict[str, str | float] | None


class BegunPayment(msgspec.Struct):
    """A payment that its person may now authorise."""

    id: UUID
    state: PaymentState
    amount: int
    currency: str
    provider: str
    expires_at: datetime
    checkout: Checkout


class PaymentDocument(msgspec.Struct):
    """A payment: `unknown` as long as the provider has not said what became of it."""

    id: UUID
    state: PaymentState
    amount: int
    captured: int
    provider: str
    failure: str | None


class RefundDocument(msgspec.Struct):
    """A refund of a payment."""

    id: UUID
    state: RefundState
    amount: int
    cancellation: UUID | None


class PaymentStanding(msgspec.Struct):
    """What is to be paid in advance, and what was."""

    due: int
    currency: str
    payment: PaymentDocument | None
    refunds: list[RefundDocument]


class CancelledLineDocument(msgspec.Struct):
    """So many of one thing, with their share of what was paid."""

    sku: str
    quantity: int
    fee: int
    refund: int


class RefundOfCancellation(msgspec.Struct):
    """What goes back, and how far it is; no state where nothing does."""

    amount: int
    state: RefundState | None


class CancellationDocument(msgspec.Struct):
    """What was given up, why, what it cost, and what goes back."""

    id: UUID
    reservation: UUID
    reason: str
    cancelled_at: datetime
    whole: bool
    lines: list[CancelledLineDocument]
    currency: str
    fee: int
    refund: RefundOfCancellation


class CancellationList(msgspec.Struct):
    """The cancellations of a reservation, the oldest first."""

    cancellations: list[CancellationDocument]


class TermDocument(msgspec.Struct):
    """What cancelling a line costs now; no fee where it is too late."""

    sku: str
    kept: int
    seats: list[str]
    fee_basis_points: int | None
    starts_at: datetime | None


class CancellationTerms(msgspec.Struct):
    """What cancelling costs now."""

    lines: list[TermDocument]


class StuckPayment(msgspec.Struct):
    """A payment of which nobody knows what became of it."""

    id: UUID
    reservation: UUID
    amount: int
    state: PaymentState


class StuckRefund(msgspec.Struct):
    """A refund that was refused, or that nobody answers for."""

    id: UUID
    payment: UUID
    reservation: UUID
    amount: int
    currency: str
    state: RefundState
    cause: Cause
    failure: str | None


class StuckMoney(msgspec.Struct):
    """What a person has to look at."""

    payments: list[StuckPayment]
    refunds: list[StuckRefund]


class Nothing(msgspec.Struct):
    """Nothing is said."""


_ONE = "/reservations/{id}"
MONEY_OPERATIONS = (
    Operation("POST", f"{_ONE}/payments", "Begin to pay", BegunPayment, status=HTTPStatus.CREATED),
    Operation("GET", f"{_ONE}/payments", "What is due, and what was paid", PaymentStanding),
    Operation(
        "POST", f"{_ONE}/cancel", "Cancel, all or some", CancellationDocument, AskedCancellation, HTTPStatus.ACCEPTED
    ),
    Operation("GET", f"{_ONE}/cancellation-terms", "What cancelling costs now", CancellationTerms),
    Operation("GET", f"{_ONE}/cancellations", "Its cancellations", CancellationList),
    Operation("GET", f"{_ONE}/cancellations/{{cancellation}}", "One of them", CancellationDocument),
    Operation("GET", f"{BASE}/stuck-money", "Money that is stuck (administrators)", StuckMoney),
    Operation(
        "POST", f"{BASE}/stuck-money/{{id}}/retry", "Try again (administrators)", Nothing, status=HTTPStatus.ACCEPTED
    ),
)
_OWN = (problems.NO_SUCH_RESERVATION,)
_CHANGED = (*_OWN, problems.NOT_DECIDED, problems.NOT_NOW)
MONEY_DETAILS = {
    ("POST", f"{_ONE}/payments"): Details(
        problems=(*_CHANGED, paying.NOTHING_TO_PAY, paying.UNDER_WAY, paying.PROVIDER_AWAY)
    ),
    ("GET", f"{_ONE}/payments"): Details(problems=_OWN),
    ("POST", f"{_ONE}/cancel"): Details(
        asks=(Header(HEADER, "The same one is the same cancellation", example="0f5c2f9e8a7b"),),
        answers=(Header("Location", "Where the cancellation is read, with how far its refund is"),),
        problems=(
            *_CHANGED,
            problems.ALREADY_CANCELLED,
            cancelling.NOT_KEPT,
            cancelling.TOO_LATE,
            cancelling.ONLY_WHOLE,
            KEY_REUSED,
        ),
        example={"reason": "비가 와서", "lines": [{"sku": "NIGHT-HANOK", "quantity": 1}]},
    ),
    ("GET", f"{_ONE}/cancellation-terms"): Details(problems=_OWN),
    ("GET", f"{_ONE}/cancellations"): Details(problems=_OWN),
    ("GET", f"{_ONE}/cancellations/{{cancellation}}"): Details(problems=(cancelling.NO_SUCH_CANCELLATION,)),
}
