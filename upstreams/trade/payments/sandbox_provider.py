"""The sandbox as a provider (`upstreams.trade.payments.provider.Provider`)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlencode

import msgspec

from upstreams.trade.money import Money
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
    Untrusted,
)
from upstreams.trade.payments.sandbox_keys import SandboxKeys
from upstreams.trade.payments.webhooks import HEADER, verify


class _Refund(msgspec.Struct):
    key: str
    amount: int
    stage: str
    reference: str


class _Payment(msgspec.Struct):
    reference: str
    key: str
    amount: int
    stage: Stage
    code: str
    captured: int
    refunds: list[_Refund]
    page: str = ""


class _Event(msgspec.Struct):
    id: str
    payment: _Payment


class SandboxProvider:
    """Speaks the sandbox's own API."""

    name = "sandbox"

    def __init__(self, origin: str, keys: SandboxKeys, patience: float) -> None:
        self.pages: tuple[str, ...] = (origin,)
        self._caller = Caller(origin, f"Bearer {keys.api}", patience)
        self._webhook = keys.webhook

    async def begin(self, order: Order) -> Checkout:
        """A payment there, and the address of its page."""
        answer = await self._caller.call(
            "POST",
            "/api/payments",
            {
                "key": order.key,
                "amount": order.amount.minor,
                "currency": order.amount.currency,
                "name": order.name[:200],
                "success": order.success,
                "failure": order.failure,
                "webhook": order.webhook,
                "method": order.method,
            },
        )
        return Checkout(url=_payment(answer).page)

    async def capture(self, key: str, reference: str, amount: Money) -> Standing:
        """Take what was authorised."""
        path = f"/api/payments/{quote(reference, safe='')}/capture"
        return _standing(_payment(await self._caller.call("POST", path, {"amount": amount.minor})))

    async def void(self, key: str, reference: str) -> Standing | None:
        """Let go of it there; its page is closed, too."""
        if not reference:
            there = await self.look(key, reference)
            if there is None or there.stage in (Stage.CAPTURED, Stage.FAILED):
                return there
            reference = there.reference
        path = f"/api/payments/{quote(reference, safe='')}/void"
        return _standing(_payment(await self._caller.call("POST", path, {})))

    async def refund(self, key: str, reference: str, amount: Money, *, refund: str, reason: str) -> Standing:
        """Give some of it back."""
        answer = await self._caller.call(
            "POST",
            f"/api/payments/{quote(reference, safe='')}/refunds",
            {"key": refund, "amount": amount.minor, "reason": reason[:200]},
        )
        return _standing(_payment(answer))

    async def look(self, key: str, reference: str) -> Standing | None:
        """By our own key."""
        answer = await self._caller.call("GET", "/api/payments?" + urlencode({"key": key}))
        if answer.status == 404:
            return None
        return _standing(_payment(answer))

    def hears(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard | None:
        """What a signed webhook speaks of. Raises `Untrusted`."""
        verify(self._webhook, body, headers.get(HEADER, ""), now)
        try:
            event = msgspec.json.decode(body, type=_Event)
        except msgspec.MsgspecError as error:
            raise Untrusted("not understood") from error
        return Heard(event.id, event.payment.key)

    async def aclose(self) -> None:
        await self._caller.aclose()


def _payment(answer: Answered) -> _Payment:
    if answer.status in (401, 403):
        raise Uncertain("our key is not taken")  # nothing is wrong with the payment: it waits until the key is right
    if answer.status != 200:
        raise Refused(answer.code)
    try:
        return msgspec.convert(answer.content, _Payment)
    except msgspec.ValidationError as error:
        raise Uncertain("an answer of another form") from error


def _standing(payment: _Payment) -> Standing:
    refunds = tuple(RefundAtProvider(one.key, one.amount, one.stage, one.reference) for one in payment.refunds)
    return Standing(payment.stage, payment.reference, payment.captured, refunds, payment.code)
