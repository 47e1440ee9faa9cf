"""Toss Payments as a provider: core API, version 2022-11-16 (docs.tosspayments.com).

A person authorises in the window of their script, which comes back with a `paymentKey`; confirming takes the money,
`cancel` gives some of it back, by an `Idempotency-Key`, which the API keeps for 15 days. What is not confirmed is not
charged, and expires at Toss by itself ten minutes after it was authorised. Basic authentication with the
secret key and no password. Its webhooks of payments bear no signature, so nothing of them is
believed but that it is time to look.

A refund bears our own key at the end of its `cancelReason`: that is how it is found again where an answer was lost.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import msgspec

from upstreams.trade.money import EXPONENTS, Money
from upstreams.trade.payments.calling import Answered, Caller
from upstreams.trade.payments.provider import (
    Checkout,
    Heard,
    Order,
    RefundAtProvider,
    Refused,
    Stage,
    Standing,
    Uncertain,
)

WINDOW = ("https://*.tosspayments.com", "https://*.toss.im")
"""Where the window of their script and what it loads come from."""
LONGEST_REASON = 200
LONGEST_NAME = 100
_OUR_KEY = re.compile(r"\[([A-Za-z0-9-]{8,64})\]$")
_STAGES = {
    "READY": Stage.OPEN,
    "IN_PROGRESS": Stage.AUTHORISED,
    "WAITING_FOR_DEPOSIT": Stage.OPEN,
    "DONE": Stage.CAPTURED,
    "PARTIAL_CANCELED": Stage.CAPTURED,
    "CANCELED": Stage.CAPTURED,
    "ABORTED": Stage.FAILED,
    "EXPIRED": Stage.FAILED,
}
_TRY_AGAIN = frozenset(
    (
        "PROVIDER_ERROR",
        "CARD_PROCESSING_ERROR",
        "FAILED_INTERNAL_SYSTEM_PROCESSING",
        "FAILED_PAYMENT_INTERNAL_SYSTEM_PROCESSING",
        "FAILED_REFUND_PROCESS",
        "FAILED_PARTIAL_REFUND",
        "UNKNOWN_PAYMENT_ERROR",
        "COMMON_ERROR",
    )
)
"""Errors that say that another time it may go well."""
_DONE_ALREADY = frozenset(("ALREADY_PROCESSED_PAYMENT", "ALREADY_CANCELED_PAYMENT"))
"""Errors that say that it was done before, maybe by us: what became of it is asked."""
_OUR_FAULT = frozenset(("UNAUTHORIZED_KEY", "INVALID_API_KEY", "FORBIDDEN_REQUEST", "INCORRECT_BASIC_AUTH_FORMAT"))
"""Errors that speak of our keys, not of the payment: it waits until they are right."""


class _Cancel(msgspec.Struct, rename="camel"):
    cancel_amount: int | float
    cancel_reason: str
    transaction_key: str = ""
    cancel_status: str = "DONE"


class _Failure(msgspec.Struct):
    code: str = ""


class _Payment(msgspec.Struct, rename="camel"):
    payment_key: str
    order_id: str
    status: str
    total_amount: int | float
    currency: str = "KRW"
    cancels: list[_Cancel] | None = None
    failure: _Failure | None = None


class _Changed(msgspec.Struct, rename="camel", frozen=True):
    order_id: str = ""
    status: str = ""


class _Event(msgspec.Struct, rename="camel"):
    event_type: str
    data: _Changed = _Changed()
    created_at: str = ""


class TossPayments:
    """Speaks the API of Toss Payments."""

    name = "toss"
    pages: tuple[str, ...] = ()

    def __init__(self, base: str, client_key: str, secret_key: str, patience: float, script: str) -> None:
        """`script`: the address of their script, version 2."""
        shown = base64.b64encode(f"{secret_key}:".encode()).decode()
        self._caller = Caller(base, f"Basic {shown}", patience)
        self._client_key = client_key
        self._script = script

    async def begin(self, order: Order) -> Checkout:
        """What their script needs to open its window (`requestPayment`); the API is not asked."""
        return Checkout(
            script={
                "src": self._script,
                "clientKey": self._client_key,
                "method": "CARD",
                "orderId": order.key,
                "orderName": order.name[:LONGEST_NAME],
                "amount": _major(order.amount.minor, order.amount.currency),
                "currency": order.amount.currency,
                "successUrl": order.success,
                "failUrl": order.failure,
            },
            origins=(*WINDOW, origin_of(self._script)),
        )

    async def capture(self, key: str, reference: str, amount: Money) -> Standing:
        """POST /v1/payments/confirm."""
        asked = {"paymentKey": reference, "orderId": key, "amount": _major(amount.minor, amount.currency)}
        # no idempotency key: the API takes a payment once by itself, and would give an error of a moment for 15 days
        return _standing(_checked(await self._caller.call("POST", "/v1/payments/confirm", asked)))

    async def void(self, key: str, reference: str) -> Standing | None:
        """Cancel it whole, where it is not taken.

        Their API cancels what was confirmed. What was not is refused, and charges nobody: so whatever it answers,
        nothing is taken, also where somebody's late confirmation came in between.
        """
        there = await self.look(key, reference)
        if there is None or there.stage in (Stage.CAPTURED, Stage.FAILED):
            return there
        if there.reference:
            path = f"/v1/payments/{quote(there.reference, safe='')}/cancel"
            asked = {"cancelReason": f"not wanted any more [{key}]"}
            try:
                _checked(await self._caller.call("POST", path, asked, {"Idempotency-Key": f"void-{key}"}))
            except Refused as error:
                return Standing(Stage.FAILED, there.reference, code=error.code)
        return Standing(Stage.FAILED, there.reference, code="voided")

    async def refund(self, key: str, reference: str, amount: Money, *, refund: str, reason: str) -> Standing:
        """POST /v1/payments/{paymentKey}/cancel."""
        mark = f" [{refund}]"
        asked = {
            "cancelReason": f"{reason[: LONGEST_REASON - len(mark)]}{mark}",
            "cancelAmount": _major(amount.minor, amount.currency),
        }
        path = f"/v1/payments/{quote(reference, safe='')}/cancel"
        return _standing(_checked(await self._caller.call("POST", path, asked, {"Idempotency-Key": refund})))

    async def look(self, key: str, reference: str) -> Standing | None:
        """GET /v1/payments/orders/{orderId}.

        What it does not know may still wait to be confirmed: then the window's `paymentKey` is all there is.
        """
        answer = await self._caller.call("GET", f"/v1/payments/orders/{quote(key, safe='')}")
        if answer.status == HTTPStatus.NOT_FOUND:
            return Standing(Stage.AUTHORISED, reference) if reference else None
        return _standing(_checked(answer))

    def hears(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard | None:
        """Which payment to look at. Anybody may send this; the API says what is true."""
        try:
            event = msgspec.json.decode(body, type=_Event)
        except msgspec.MsgspecError:
            return None
        if event.event_type != "PAYMENT_STATUS_CHANGED" or not event.data.order_id:
            return None
        sent = headers.get("tosspayments-webhook-transmission-id") or hashlib.sha256(body).hexdigest()
        return Heard(sent[:80], event.data.order_id)

    async def aclose(self) -> None:
        await self._caller.aclose()


def origin_of(address: str) -> str:
    """The origin of an address, as a content policy names it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _checked(answer: Answered) -> _Payment:
    if answer.status != HTTPStatus.OK:
        if answer.code in _TRY_AGAIN or answer.code in _DONE_ALREADY or answer.code in _OUR_FAULT:
            raise Uncertain(answer.code)
        raise Refused(answer.code)
    try:
        return msgspec.convert(answer.content, _Payment)
    except msgspec.ValidationError as error:
        raise Uncertain("an answer of another form") from error


def _standing(payment: _Payment) -> Standing:
    stage = _STAGES.get(payment.status)
    if stage is None:
        raise Uncertain(f"status {payment.status[:40]}")
    return Standing(
        stage,
        payment.payment_key,
        _minor(payment.total_amount, payment.currency) if stage is Stage.CAPTURED else 0,
        tuple(_refund(cancel, payment.currency) for cancel in payment.cancels or ()),
        payment.failure.code if payment.failure else "",
    )


def _refund(cancel: _Cancel, currency: str) -> RefundAtProvider:
    ours = _OUR_KEY.search(cancel.cancel_reason)
    stage = {"DONE": "succeeded", "ABORTED": "failed"}.get(cancel.cancel_status, "pending")
    amount = _minor(cancel.cancel_amount, currency)
    return RefundAtProvider(ours[1] if ours else "", amount, stage, cancel.transaction_key)


def _major(minor: int, currency: str) -> int | float:
    """An amount as the API writes it: whole for won and yen, with the digits of the currency for others."""
    amount = Money(minor, currency).amount
    return int(amount) if EXPONENTS[currency] == 0 else float(amount)


def _minor(amount: int | float, currency: str) -> int:
    exponent = EXPONENTS.get(currency)
    if exponent is None:
        raise Uncertain(f"in {currency[:3]}")
    return round(amount * int(10**exponent))
