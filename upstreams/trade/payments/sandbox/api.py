"""The sandbox's own API: open, look, capture, void, refund. JSON, and `Authorization: Bearer` with the caller's key."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from config.body import BrokenOff, TooLarge, WrongMediaType, read_body
from upstreams.trade.payments.sandbox.bank import Bank, Held, No
from upstreams.trade.payments.sandbox.faults import Faults
from upstreams.trade.payments.sandbox.posting import Posting

MOST = 16 * 1024
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Address = Annotated[str, msgspec.Meta(max_length=1000, pattern=r"^https?://[^\s]+$")]
Asked = TypeVar("Asked")
Endpoint = Callable[[Request], Awaitable[Response]]


class AskedPayment(msgspec.Struct, forbid_unknown_fields=True):
    key: Short
    amount: int
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
    name: Short
    success: Address
    failure: Address
    webhook: Address
    method: Literal["card", "wallet"] = "card"


class AskedCapture(msgspec.Struct, forbid_unknown_fields=True):
    amount: int


class AskedRefund(msgspec.Struct, forbid_unknown_fields=True):
    key: Short
    amount: int
    reason: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Api:
    """The endpoints."""

    def __init__(self, bank: Bank, faults: Faults, posting: Posting, key: str, page: str) -> None:
        """`page`: where the pages are, without a slash at the end."""
        self._bank = bank
        self._faults = faults
        self._posting = posting
        self._key = key
        self._page = page

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/payments", self._guarded(self.open), methods=["POST"]),
            Route("/api/payments", self._guarded(self.look), methods=["GET"]),
            Route("/api/payments/{reference}/capture", self._guarded(self.capture), methods=["POST"]),
            Route("/api/payments/{reference}/void", self._guarded(self.void), methods=["POST"]),
            Route("/api/payments/{reference}/refunds", self._guarded(self.refund), methods=["POST"]),
        ]

    async def open(self, request: Request) -> Response:
        """POST /api/payments: a payment, and the address of its page."""
        asked = await _read(request, AskedPayment)
        held = self._bank.open(
            key=asked.key,
            amount=asked.amount,
            currency=asked.currency,
            name=asked.name,
            success=asked.success,
            failure=asked.failure,
            webhook=asked.webhook,
            method=asked.method,
        )
        return JSONResponse({**held.document(), "page": f"{self._page}/pay/{held.reference}"})

    async def look(self, request: Request) -> Response:
        """GET /api/payments?key=: by the caller's key."""
        held = self._bank.by_key(request.query_params.get("key", ""))
        if held is None:
            raise No("not_found")
        return JSONResponse(held.document())

    async def capture(self, request: Request) -> Response:
        """POST /api/payments/{reference}/capture: take what was authorised."""
        asked = await _read(request, AskedCapture)
        held = self._bank.find(request.path_params["reference"])

        def act() -> Held:
            before = held.captured
            after = self._bank.capture(held.reference, asked.amount)
            if not before:
                self._posting.tell(after)
            return after

        return await self._faults.around(request, held, "capture", act, _answer)

    async def void(self, request: Request) -> Response:
        """POST /api/payments/{reference}/void: let go of what was authorised, and of the page where it would be."""
        held = self._bank.find(request.path_params["reference"])

        def act() -> Held:
            before = held.stage
            after = self._bank.void(held.reference)
            if after.stage != before:
                self._posting.tell(after)
            return after

        return await self._faults.around(request, held, "void", act, _answer)

    async def refund(self, request: Request) -> Response:
        """POST /api/payments/{reference}/refunds: give some of it back."""
        asked = await _read(request, AskedRefund)
        held = self._bank.find(request.path_params["reference"])

        def act() -> Held:
            before = held.left
            after = self._bank.refund(held.reference, asked.key, asked.amount, asked.reason)
            if after.left != before:
                self._posting.tell(after)
            return after

        return await self._faults.around(request, held, "refund", act, _answer)

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            shown = request.headers.get("authorization", "")
            if not hmac.compare_digest(shown.encode(), f"Bearer {self._key}".encode()):
                return JSONResponse({"code": "unauthorised"}, status_code=HTTPStatus.UNAUTHORIZED)
            try:
                return await endpoint(request)
            except No as no:
                status = HTTPStatus.NOT_FOUND if no.code == "not_found" else HTTPStatus.UNPROCESSABLE_ENTITY
                return JSONResponse({"code": no.code}, status_code=status)
            except (msgspec.MsgspecError, WrongMediaType, TooLarge, BrokenOff):
                return JSONResponse({"code": "not_understood"}, status_code=HTTPStatus.BAD_REQUEST)

        return guarded


def _answer(held: Held) -> Response:
    return JSONResponse(held.document())


async def _read(request: Request, kind: type[Asked]) -> Asked:
    return msgspec.json.decode(await read_body(request, media_type="application/json", most=MOST), type=kind)
