"""Payments of reservations on the web: begun here, made at the provider's page, told by its webhooks."""

from __future__ import annotations

import re
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.clock import Clock
from config.problem import Problem, ProblemType
from jose.assertion_middleware import assertion_of
from upstreams.door.administrators import administrator_of
from upstreams.door.answers import NOT_FOUND, json_answer, read_body, read_form, see_other, sent_by_form
from upstreams.door.forms import FIELD, FormTokens, require_same_origin
from upstreams.door.person import person_of
from upstreams.reservation.endpoints.administration import BASE
from upstreams.reservation.paying.desk import PaymentDesk
from upstreams.trade.payments.provider import Untrusted

WEBHOOK_REFUSED = ProblemType(
    "MJ-RSV-035",
    HTTPStatus.UNAUTHORIZED,
    "The webhook is not the provider's",
    "Sign it with the secret that both share, and send it at once.",
)
_REFERENCE = re.compile(r"[A-Za-z0-9_=.-]{1,300}")
_log = structlog.get_logger(__name__)


class PaymentEndpoints:
    """The endpoints of payments."""

    def __init__(self, desk: PaymentDesk, tokens: FormTokens, clock: Clock) -> None:
        self._desk = desk
        self._tokens = tokens
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/reservations/{id:uuid}/payments", self.begin, methods=["POST"]),
            Route("/reservations/{id:uuid}/payments", self.standing, methods=["GET"]),
            Route("/reservations/{id:uuid}/payments/back", self.back, methods=["GET"]),
            Route("/reservations/payments/webhooks/{provider}", self.webhook, methods=["POST"]),
            Route(f"{BASE}/stuck-money", self.stuck, methods=["GET"]),
            Route(f"{BASE}/stuck-money/{{id:uuid}}/retry", self.retry, methods=["POST"]),
        ]

    async def begin(self, request: Request) -> Response:
        """POST /reservations/{id}/payments: a payment, and the way to the provider's page; a form is led there."""
        require_same_origin(request)
        person = person_of(request)
        if by_form := sent_by_form(request):
            self._tokens.check(person.session, (await read_form(request)).get(FIELD, ""))
        locale = assertion_of(request).subject.locale or "ko"
        payment, checkout = await self._desk.begin(person, request.path_params["id"], locale)
        if by_form:
            return see_other(checkout.url or f"/reservations/{payment.subject}/payments/window")
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
        """GET /reservations/{id}/payments: what is due, the payment, its refunds."""
        standing = await self._desk.standing(person_of(request), request.path_params["id"])
        return json_answer(request, standing.document())

    async def back(self, request: Request) -> Response:
        """GET /reservations/{id}/payments/back: from the provider's page. Nothing in it is believed: we go and look."""
        reference = request.query_params.get("paymentKey", "")
        if not _REFERENCE.fullmatch(reference):
            reference = ""
        ident = request.path_params["id"]
        await self._desk.came_back(person_of(request), ident, reference)
        return see_other(f"/reservations/{ident}")

    async def stuck(self, request: Request) -> Response:
        """GET /reservations/administration/stuck-money: payments and refunds that a person has to look at."""
        administrator_of(request)
        payments, refunds = await self._desk.stuck()
        document = {
            "payments": [
                {"id": one.id, "reservation": one.subject, "amount": one.amount.minor, "state": one.state}
                for one in payments
            ],
            "refunds": [
                {
                    "id": one.id,
                    "payment": one.payment,
                    "reservation": reservation,
                    "amount": one.amount.minor,
                    "currency": one.amount.currency,
                    "state": one.state,
                    "cause": one.cause,
                    "failure": one.failure or None,
                }
                for one, reservation in refunds
            ],
        }
        return json_answer(request, document)

    async def retry(self, request: Request) -> Response:
        """POST /reservations/administration/stuck-money/{id}/retry: ask the provider once more, by the same key."""
        who = administrator_of(request)
        require_same_origin(request)
        if by_form := sent_by_form(request):
            self._tokens.check(who.session, (await read_form(request)).get(FIELD, ""))
        if not await self._desk.try_again(request.path_params["id"], who.id):
            raise Problem(NOT_FOUND)
        if by_form:
            return see_other(f"{BASE}#money")
        return Response(status_code=HTTPStatus.ACCEPTED)

    async def webhook(self, request: Request) -> Response:
        """POST /reservations/payments/webhooks/{provider}: from the provider, whom nobody signs in."""
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
