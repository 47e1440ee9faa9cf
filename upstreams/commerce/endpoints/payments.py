"""Payments of orders on the web: begun here, made at the provider's page, told by its webhooks."""

from __future__ import annotations

import re
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.clock import Clock
from config.connections import Database
from config.problem import Problem, ProblemType
from upstreams.commerce.endpoints import documents
from upstreams.commerce.ordering.purchase import NO_SUCH_ORDER
from upstreams.commerce.paying.desk import PaymentDesk
from upstreams.commerce.stores import Stores
from upstreams.door.answers import NOT_FOUND, json_answer, read_body, see_other
from upstreams.door.forms import require_same_origin
from upstreams.door.person import person_of
from upstreams.trade.payments.provider import Untrusted

WEBHOOK_REFUSED = ProblemType(
    "MJ-COM-244",
    HTTPStatus.UNAUTHORIZED,
    "The webhook is not the provider's",
    "Sign it with the secret that both share, and send it at once.",
)
_REFERENCE = re.compile(r"[A-Za-z0-9_=.-]{1,300}")
_log = structlog.get_logger(__name__)


class PaymentEndpoints:
    """The endpoints of payments."""

    def __init__(self, database: Database, stores: Stores, desk: PaymentDesk, clock: Clock) -> None:
        self._database = database
        self._stores = stores
        self._desk = desk
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/orders/{id:uuid}/payments", self.begin, methods=["POST"]),
            Route("/api/orders/{id:uuid}/payments", self.standing, methods=["GET"]),
            Route("/orders/{id:uuid}/payments/back", self.back, methods=["GET"]),
            Route("/orders/payments/webhooks/{provider}", self.webhook, methods=["POST"]),
        ]

    async def begin(self, request: Request) -> Response:
        """POST /api/orders/{id}/payments: a payment, and the way to the provider's page. Twice, it is the same one."""
        require_same_origin(request)
        payment, checkout = await self._desk.begin(person_of(request), request.path_params["id"])
        document = {
            "id": payment.id,
            "state": payment.state,
            "amount": payment.amount.minor,
            "currency": payment.amount.currency,
            "provider": payment.provider,
            "expires_at": payment.expires_at,
            "checkout": {"url": checkout.url or None, "script": checkout.script},
        }
        return json_answer(request, document, status=HTTPStatus.CREATED)

    async def standing(self, request: Request) -> Response:
        """GET /api/orders/{id}/payments: the payment, its refunds, until when it is held."""
        async with self._database.connect() as tx:
            bought = await self._stores.purchases.find(tx, request.path_params["id"], person_of(request).id)
            if bought is None:
                raise Problem(NO_SUCH_ORDER)
            standing = await self._desk.standing(tx, bought)
        return json_answer(request, documents.standing(standing))

    async def back(self, request: Request) -> Response:
        """GET /orders/{id}/payments/back: from the provider's page. Nothing in it is believed: we go and look."""
        reference = request.query_params.get("paymentKey", "")
        if not _REFERENCE.fullmatch(reference):
            reference = ""
        ident = request.path_params["id"]
        await self._desk.came_back(person_of(request), ident, reference)
        return see_other(f"/orders/{ident}")

    async def webhook(self, request: Request) -> Response:
        """POST /orders/payments/webhooks/{provider}: from the provider, whom nobody signs in."""
        provider = self._desk.provider
        if request.path_params["provider"] != provider.name:
            raise Problem(NOT_FOUND)
        body = await read_body(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            heard = provider.hears(headers, body, self._clock.now())
        except Untrusted as error:
            raise Problem(WEBHOOK_REFUSED, private=str(error)) from error
        fresh = heard is not None and await self._desk.heard(heard)
        _log.info("webhook", provider=provider.name, fresh=fresh)
        return Response(status_code=HTTPStatus.OK)
