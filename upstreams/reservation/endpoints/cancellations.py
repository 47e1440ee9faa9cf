"""Cancellations on the web: 202 once nothing can undo it; the refund is told when the provider says so."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.problem import Problem
from upstreams.door.answers import (
    NOT_UNDERSTOOD,
    json_answer,
    read_fields,
    read_json,
    see_other,
    sent_by_form,
    wants_page,
)
from upstreams.door.forms import FIELD, FormTokens, require_same_origin
from upstreams.door.person import Person, person_of
from upstreams.reservation.cancelling.desk import CancellationDesk, Wanted
from upstreams.reservation.endpoints.cancelling_page import TOLD_HERE, CancellingPage, wanted_by
from upstreams.reservation.record import MAX_LINES
from upstreams.trade.allocation import Line, basket_of
from upstreams.trade.idempotency import HEADER, read_key

Reason = Annotated[str, msgspec.Meta(max_length=500)]


class CancelledLine(msgspec.Struct, forbid_unknown_fields=True):
    """So many of one thing; of seats the ones that are named."""

    sku: Annotated[str, msgspec.Meta(min_length=2, max_length=40)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)]
    seats: Annotated[list[str], msgspec.Meta(max_length=999)] = []


class AskedCancellation(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a cancellation: all that is left where no lines are named."""

    reason: Reason = ""
    lines: Annotated[list[CancelledLine], msgspec.Meta(max_length=MAX_LINES)] = []


class CancellationEndpoints:
    """The endpoints of cancellations."""

    def __init__(self, desk: CancellationDesk, page: CancellingPage, tokens: FormTokens) -> None:
        self._desk = desk
        self._page = page
        self._tokens = tokens

    def routes(self) -> list[BaseRoute]:
        base = "/reservations/{id:uuid}"
        return [
            Route(f"{base}/cancel", self.cancel, methods=["POST"]),
            Route(f"{base}/cancellation-terms", self.terms, methods=["GET"]),
            Route(f"{base}/cancellations", self.all, methods=["GET"]),
            Route(f"{base}/cancellations/{{cancellation:uuid}}", self.one, methods=["GET"]),
        ]

    async def cancel(self, request: Request) -> Response:
        """POST /reservations/{id}/cancel: some of it, or all that is left; 202, and the result on open pages."""
        require_same_origin(request)
        person, ident = person_of(request), request.path_params["id"]
        if sent_by_form(request):
            return await self._cancel_by_form(request, person, ident)
        sent = request.headers.get(HEADER)
        asked = await read_json(request, AskedCancellation)
        wanted = Wanted(_lines(asked), asked.reason)
        made = await self._desk.cancel(person, ident, wanted, None if sent is None else read_key(sent))
        return json_answer(
            request,
            made.document(),
            status=HTTPStatus.ACCEPTED,
            headers={"Location": f"/reservations/{ident}/cancellations/{made.id}"},
        )

    async def _cancel_by_form(self, request: Request, person: Person, ident: UUID) -> Response:
        fields = await read_fields(request)
        self._tokens.check(person.session, dict(fields).get(FIELD, ""))
        try:
            await self._desk.cancel(person, ident, wanted_by(fields))
        except Problem as problem:
            if problem.kind not in TOLD_HERE or not wants_page(request):
                raise
            return await self._page.again(request, person, ident, fields, problem)
        return see_other(f"/reservations/{ident}")

    async def terms(self, request: Request) -> Response:
        """GET /reservations/{id}/cancellation-terms: what cancelling each line would cost at this moment."""
        lines = await self._desk.terms(person_of(request), request.path_params["id"])
        return json_answer(request, {"lines": lines})

    async def all(self, request: Request) -> Response:
        """GET /reservations/{id}/cancellations: the oldest first."""
        found = await self._desk.all(person_of(request), request.path_params["id"])
        return json_answer(request, {"cancellations": [one.document() for one in found]})

    async def one(self, request: Request) -> Response:
        """GET /reservations/{id}/cancellations/{cancellation}: with how far its refund is."""
        path = request.path_params
        found = await self._desk.one(person_of(request), path["id"], path["cancellation"])
        return json_answer(request, found.document())


def _lines(asked: AskedCancellation) -> tuple[Line, ...]:
    if not asked.lines:
        return ()
    try:
        lines = [Line(line.sku, line.quantity, tuple(line.seats)) for line in asked.lines]
        return basket_of(UUID(int=0), lines).lines
    except ValueError as error:
        raise Problem(NOT_UNDERSTOOD, str(error)) from error
