"""Reservations: 202 once the request is durable, the result when it is decided. Each is its owner's alone."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Database
from config.problem import Problem
from upstreams.door.answers import (
    NOT_UNDERSTOOD,
    json_answer,
    read_form,
    read_json,
    see_other,
    sent_by_form,
    wants_page,
)
from upstreams.door.forms import FIELD, FormTokens, require_same_origin
from upstreams.door.person import Person, person_of
from upstreams.door.words import PersonPages
from upstreams.reservation.desk import Desk
from upstreams.reservation.paying.desk import PaymentDesk
from upstreams.reservation.record import MAX_LINES, NO_SUCH_RESERVATION, Record
from upstreams.reservation.stores import Stores
from upstreams.trade.allocation import Line
from upstreams.trade.idempotency import HEADER, read_key


class AskedLine(msgspec.Struct, forbid_unknown_fields=True):
    """So many of one thing."""

    sku: Annotated[str, msgspec.Meta(min_length=2, max_length=40)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)]


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request."""

    lines: Annotated[list[AskedLine], msgspec.Meta(min_length=1, max_length=MAX_LINES)]


class ReservationEndpoints:
    """The endpoints of reservations."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        desk: Desk,
        payments: PaymentDesk,
        pages: PersonPages,
        tokens: FormTokens,
    ) -> None:
        self._database = database
        self._desk = desk
        self._payments = payments
        self._pages = pages
        self._tokens = tokens
        self._stores = stores

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/reservations", self.submit, methods=["POST"]),
            Route("/reservations", self.mine, methods=["GET"]),
            Route("/reservations/availability", self.availability, methods=["GET"]),
            Route("/reservations/{id:uuid}", self.one, methods=["GET"]),
            Route("/reservations/{id:uuid}/confirm", self.confirm, methods=["POST"]),
        ]

    async def submit(self, request: Request) -> Response:
        """POST /reservations: 202 with the id, once nothing can lose it."""
        require_same_origin(request)
        person = person_of(request)
        if sent_by_form(request):
            form = await self._form(request, person)
            record = await self._submit(person, [(form.get("sku", ""), form.get("quantity", "1"))], form.get("key"))
            return see_other(f"/reservations/{record.id}")
        key = request.headers.get(HEADER)
        asked = await read_json(request, Asked)
        record = await self._submit(person, [(line.sku, line.quantity) for line in asked.lines], key)
        return json_answer(
            request,
            record.document(),
            status=HTTPStatus.ACCEPTED,
            headers={"Location": f"/reservations/{record.id}"},
        )

    async def one(self, request: Request) -> Response:
        """GET /reservations/{id}: the owner's; for everybody else there is none."""
        person = person_of(request)
        async with self._database.connect() as tx:
            record = await self._stores.records.find(tx, request.path_params["id"], person.id)
        if record is None:
            raise Problem(NO_SUCH_RESERVATION)
        if wants_page(request):
            standing = await self._payments.standing(person, record.id)
            return self._page(request, person, "reservation.html", record=record, standing=standing)
        return json_answer(request, record.document())

    async def mine(self, request: Request) -> Response:
        """GET /reservations: the person's own, the newest first."""
        person = person_of(request)
        async with self._database.connect() as tx:
            records = await self._stores.records.of(tx, person.id)
        if wants_page(request):
            return self._page(request, person, "reservations.html", records=records)
        return json_answer(request, {"reservations": [record.document() for record in records]})

    async def availability(self, request: Request) -> Response:
        """GET /reservations/availability: what can be had at this moment."""
        async with self._database.connect() as tx:
            levels = await self._stores.stock.levels(tx)
        return json_answer(
            request, {"skus": [{"sku": sku, "available": level.available} for sku, level in sorted(levels.items())]}
        )

    async def confirm(self, request: Request) -> Response:
        """POST /reservations/{id}/confirm: keep for good what is held."""
        require_same_origin(request)
        person = person_of(request)
        if sent_by_form(request):
            await self._form(request, person)
        await self._payments.require_nothing_due(person, request.path_params["id"])
        record = await self._desk.confirm(person, request.path_params["id"])
        return self._changed(request, record)

    async def _submit(self, person: Person, lines: list[tuple[str, object]], key: str | None) -> Record:
        try:
            asked = [Line(sku, int(str(quantity))) for sku, quantity in lines]
            return await self._desk.submit(person, asked, read_key(key))
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD, str(error)) from error

    async def _form(self, request: Request, person: Person) -> dict[str, str]:
        form = await read_form(request)
        self._tokens.check(person.session, form.get(FIELD, ""))
        return form

    def _changed(self, request: Request, record: Record) -> Response:
        if sent_by_form(request):
            return see_other(f"/reservations/{record.id}")
        return json_answer(request, record.document())

    def _page(self, request: Request, person: Person, template: str, **context: Any) -> Response:
        return self._pages.respond(
            request,
            template,
            form_token=self._tokens.issue(person.session),
            form_action=self._payments.pages,  # where the form that begins a payment ends up
            **context,
        )
