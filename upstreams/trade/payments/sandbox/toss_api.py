"""The API of Toss Payments (version 2022-11-16), as far as our adapter uses it, over the sandbox's books.

As documented at docs.tosspayments.com: core API, idempotency keys, error codes. Money is taken by confirming what a
person authorised in the window of the script. A script of our own, called as theirs (version 2, `payment` and
`requestPayment`), stands in for that, and the sandbox's own page for its window.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from config.body import BrokenOff, TooLarge, WrongMediaType, read_body
from config.clock import Clock
from upstreams.trade.payments.sandbox.bank import Bank, Held, No
from upstreams.trade.payments.sandbox.faults import Faults

MOST = 16 * 1024
WINDOW = "/toss/window"
SCRIPT = "/toss/v2/standard"
Endpoint = Callable[[Request], Awaitable[Response]]

_STANDARD = (Path(__file__).parent / "toss_standard.js").read_bytes()
_ERRORS = {
    "not_found": (HTTPStatus.NOT_FOUND, "NOT_FOUND_PAYMENT", "존재하지 않는 결제 정보 입니다."),
    "amount": (HTTPStatus.FORBIDDEN, "NOT_CANCELABLE_AMOUNT", "취소 할 수 없는 금액 입니다."),
    "not_captured": (HTTPStatus.FORBIDDEN, "NOT_CANCELABLE_PAYMENT", "취소 할 수 없는 결제 입니다."),
    "not_authorised": (HTTPStatus.NOT_FOUND, "NOT_FOUND_PAYMENT_SESSION", "결제 시간이 만료되었습니다."),
    "refused_by_bank": (HTTPStatus.FORBIDDEN, "REJECT_CARD_PAYMENT", "한도초과 혹은 잔액부족입니다."),
}
_ELSE = (HTTPStatus.BAD_REQUEST, "INVALID_REQUEST", "잘못된 요청입니다.")
_PROCESSED = (HTTPStatus.BAD_REQUEST, "ALREADY_PROCESSED_PAYMENT", "이미 처리된 결제 입니다.")
_CANCELED = (HTTPStatus.BAD_REQUEST, "ALREADY_CANCELED_PAYMENT", "이미 취소된 결제 입니다.")


class AskedConfirmation(msgspec.Struct):
    paymentKey: str  # noqa: N815 - as the API names it
    orderId: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_=-]{6,64}$")]  # noqa: N815
    amount: int


class AskedCancel(msgspec.Struct):
    cancelReason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]  # noqa: N815
    cancelAmount: int | None = None  # noqa: N815


class TossApi:
    """The endpoints."""

    def __init__(self, bank: Bank, faults: Faults, name: Callable[[], str], secret_key: str, clock: Clock) -> None:
        self._bank = bank
        self._faults = faults
        self._name = name
        self._shown = b"Basic " + base64.b64encode(f"{secret_key}:".encode())
        self._clock = clock
        self._earlier: dict[tuple[str, str], Response | None] = {}

    def routes(self) -> list[BaseRoute]:
        return [
            Route(SCRIPT, self.script, methods=["GET"]),
            Route(WINDOW, self.window, methods=["GET"]),
            Route("/v1/payments/confirm", self._guarded(self.confirm), methods=["POST"]),
            Route("/v1/payments/orders/{order}", self._guarded(self.by_order), methods=["GET"]),
            Route("/v1/payments/{key}", self._guarded(self.by_key), methods=["GET"]),
            Route("/v1/payments/{key}/cancel", self._guarded(self.cancel), methods=["POST"]),
        ]

    async def script(self, _: Request) -> Response:
        """GET /toss/v2/standard: what stands in for their script; any page may load it, as theirs."""
        headers = {"Cross-Origin-Resource-Policy": "cross-origin", "Cache-Control": "no-store"}
        return Response(_STANDARD, media_type="text/javascript", headers=headers)

    async def window(self, request: Request) -> Response:
        """What the script's window does: a payment of these words, and the page where a card is typed."""
        asked = request.query_params
        try:
            held = self._bank.open(
                key=asked["orderId"],
                amount=int(asked["amount"]),
                currency=asked.get("currency", "KRW"),
                name=asked["orderName"][:100],
                success=asked["successUrl"],
                failure=asked["failUrl"],
            )
        except (KeyError, ValueError, No):
            return _error(_ELSE)
        return RedirectResponse(f"/pay/{held.reference}", status_code=HTTPStatus.SEE_OTHER)

    async def confirm(self, request: Request) -> Response:
        """POST /v1/payments/confirm."""
        asked = msgspec.json.decode(await _body(request), type=AskedConfirmation)
        held = self._bank.find(asked.paymentKey)
        if held.captured:
            return _error(_PROCESSED)
        if held.key != asked.orderId or held.amount != asked.amount:
            return _error(_ELSE)
        return await self._faults.around(
            request, held, "capture", lambda: self._bank.capture(held.reference, asked.amount), self._answer
        )

    async def cancel(self, request: Request) -> Response:
        """POST /v1/payments/{paymentKey}/cancel: of all that is left where no amount is named."""
        asked = msgspec.json.decode(await _body(request), type=AskedCancel)
        held = self._bank.find(request.path_params["key"])
        if held.captured and not held.left:
            return _error(_CANCELED)
        if not held.captured:
            return _error(_ERRORS["not_captured"])  # what is not confirmed cannot be cancelled: it expires by itself
        amount = held.left if asked.cancelAmount is None else asked.cancelAmount
        key = self._name()
        return await self._faults.around(
            request,
            held,
            "refund",
            lambda: self._bank.refund(held.reference, key, amount, asked.cancelReason),
            self._answer,
        )

    async def by_key(self, request: Request) -> Response:
        """GET /v1/payments/{paymentKey}."""
        return self._answer(self._bank.find(request.path_params["key"]))

    async def by_order(self, request: Request) -> Response:
        """GET /v1/payments/orders/{orderId}."""
        held = self._bank.by_key(request.path_params["order"])
        if held is None:
            raise No("not_found")
        return self._answer(held)

    def _answer(self, held: Held) -> Response:
        return JSONResponse(document(held, self._clock.now()))

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            if not hmac.compare_digest(request.headers.get("authorization", "").encode(), self._shown):
                return _error((HTTPStatus.UNAUTHORIZED, "UNAUTHORIZED_KEY", "인증되지 않은 시크릿 키 입니다."))
            try:
                return await self._once(request, endpoint)
            except No as no:
                return _error(_ERRORS.get(no.code, _ELSE))
            except (msgspec.MsgspecError, WrongMediaType, TooLarge, BrokenOff):
                return _error(_ELSE)

        return guarded

    async def _once(self, request: Request, endpoint: Endpoint) -> Response:
        """What a key of idempotency was answered with it is answered with again, and nothing is done."""
        key = request.headers.get("idempotency-key", "")
        if request.method != "POST" or not key:
            return await endpoint(request)
        place = (request.url.path, key)
        if place in self._earlier:
            earlier = self._earlier[place]
            return earlier or _error(
                (HTTPStatus.CONFLICT, "IDEMPOTENT_REQUEST_PROCESSING", "이전 멱등 요청이 처리중입니다.")
            )
        self._earlier[place] = None
        try:
            answer = await endpoint(request)
        except No as no:
            answer = _error(_ERRORS.get(no.code, _ELSE))
        except BaseException:
            del self._earlier[place]
            raise
        self._earlier[place] = answer
        if answer.status_code >= 500:
            del self._earlier[place]
        return answer


def success_address(held: Held) -> str:
    """Where the window leads to, with what the API wants to be told."""
    words = urlencode({"paymentKey": held.reference, "orderId": held.key, "amount": held.amount})
    return f"{held.success}{'&' if '?' in held.success else '?'}{words}"


def document(held: Held, now: datetime) -> dict[str, Any]:
    """A Payment object, as far as the sandbox has something to say."""
    moment = now.isoformat(timespec="seconds")
    left = held.left if held.captured else held.amount
    status = {"open": "READY", "authorised": "IN_PROGRESS", "failed": "ABORTED"}.get(held.stage, "DONE")
    if held.refunds:
        status = "PARTIAL_CANCELED" if held.left else "CANCELED"
    return {
        "version": "2022-11-16",
        "mId": "sandbox",
        "paymentKey": held.reference,
        "orderId": held.key,
        "orderName": held.name,
        "currency": held.currency,
        "method": "카드",
        "type": "NORMAL",
        "status": status,
        "totalAmount": held.amount,
        "balanceAmount": left,
        "isPartialCancelable": True,
        "requestedAt": moment,
        "approvedAt": moment if held.captured else None,
        "failure": {"code": held.code, "message": held.code} if held.stage == "failed" else None,
        "cancels": [
            {
                "cancelAmount": one.amount,
                "cancelReason": one.reason,
                "canceledAt": moment,
                "transactionKey": one.reference,
                "cancelStatus": "DONE",
            }
            for one in held.refunds.values()
        ]
        or None,
    }


def _error(what: tuple[HTTPStatus, str, str]) -> Response:
    status, code, message = what
    return JSONResponse({"code": code, "message": message}, status_code=status)


async def _body(request: Request) -> bytes:
    return await read_body(request, media_type="application/json", most=MOST)
