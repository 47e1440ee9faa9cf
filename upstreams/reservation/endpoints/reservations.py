"""Reservations: 202 once the request is durable, the result when it is decided. Each is its owner's alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Database
from config.problem import Problem
from jose.assertion_middleware import assertion_of
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
from upstreams.reservation.batch import Batches
from upstreams.reservation.desk import Desk, Receipt
from upstreams.reservation.pace import pace_of
from upstreams.reservation.paying.desk import PaymentDesk
from upstreams.reservation.record import MAX_LINES, NO_SUCH_RESERVATION, Record
from upstreams.reservation.stores import Stores
from upstreams.trade.allocation import Line, Window
from upstreams.trade.idempotency import HEADER, read_key

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Label = Annotated[str, msgspec.Meta(min_length=1, max_length=20)]


class AskedLine(msgspec.Struct, forbid_unknown_fields=True):
    """So many of one thing; which seats, or from when until when, where that matters."""

    sku: Annotated[str, msgspec.Meta(min_length=2, max_length=40)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=999)]
    seats: Annotated[tuple[Label, ...], msgspec.Meta(max_length=50)] = ()
    starts_at: Moment | None = None
    ends_at: Moment | None = None

    def line(self) -> Line:
        """Raises `ValueError` where the times make no sense."""
        if self.starts_at is None and self.ends_at is None:
            return Line(self.sku, self.quantity, self.seats)
        if self.starts_at is None or self.ends_at is None:
            raise ValueError(f"{self.sku}: from when until when, both or neither")
        return Line(self.sku, self.quantity, self.seats, Window(self.starts_at, self.ends_at))


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
        batches: Batches,
        payments: PaymentDesk,
        pages: PersonPages,
        tokens: FormTokens,
    ) -> None:
        self._database = database
        self._desk = desk
        self._batches = batches
        self._payments = payments
        self._pages = pages
        self._tokens = tokens
        self._stores = stores

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/reservations", self.submit, methods=["POST"]),
            Route("/reservations", self.mine, methods=["GET"]),
            Route("/reservations/{id:uuid}", self.one, methods=["GET"]),
            Route("/reservations/{id:uuid}/confirm", self.confirm, methods=["POST"]),
        ]

    async def submit(self, request: Request) -> Response:
        """POST /reservations: 202 with the id, once nothing can lose it."""
        require_same_origin(request)
        person = person_of(request)
        if sent_by_form(request):
            form = await self._form(request, person)
            line = AskedLine(form.get("sku", ""), _number(form.get("quantity", "1")))
            receipt = await self._submit(request, person, [line], form.get("key"))
            return see_other(f"/reservations/{receipt.record.id}")
        asked = await read_json(request, Asked)
        receipt = await self._submit(request, person, asked.lines, request.headers.get(HEADER))
        headers = {"Location": f"/reservations/{receipt.record.id}"}
        if prefers_to_wait(request) and receipt.position == 1:
            # nobody waits before it: the direct transaction takes the same locks and decides at once
            await self._batches.decide([receipt.record.id])
            record = await self._record(receipt.record.id, person)
            return json_answer(request, record.document(), headers={**headers, "Preference-Applied": "wait"})
        return json_answer(request, shown(receipt), status=HTTPStatus.ACCEPTED, headers=headers)

    async def one(self, request: Request) -> Response:
        """GET /reservations/{id}: the owner's; for everybody else there is none."""
        person = person_of(request)
        record = await self._record(request.path_params["id"], person)
        receipt = Receipt(record, await self._desk.position(record))
        if wants_page(request):
            standing = await self._payments.standing(person, record.id)
            context = {"record": record, "position": receipt.position, "standing": standing}
            return self._page(request, person, "reservation.html", **context)
        return json_answer(request, shown(receipt))

    async def _record(self, ident: UUID, person: Person) -> Record:
        async with self._database.connect() as tx:
            record = await self._stores.records.find(tx, ident, person.id)
        if record is None:
            raise Problem(NO_SUCH_RESERVATION)
        return record

    async def mine(self, request: Request) -> Response:
        """GET /reservations: the person's own, the newest first."""
        person = person_of(request)
        async with self._database.connect() as tx:
            records = await self._stores.records.of(tx, person.id)
        if wants_page(request):
            return self._page(request, person, "reservations.html", records=records)
        return json_answer(request, {"reservations": [record.document() for record in records]})

    async def confirm(self, request: Request) -> Response:
        """POST /reservations/{id}/confirm: keep for good what is held."""
        require_same_origin(request)
        person = person_of(request)
        if sent_by_form(request):
            await self._form(request, person)
        await self._payments.require_nothing_due(person, request.path_params["id"])
        record = await self._desk.confirm(person, request.path_params["id"])
        return self._changed(request, record)

    async def _submit(self, request: Request, person: Person, lines: Sequence[AskedLine], key: str | None) -> Receipt:
        assertion = assertion_of(request)
        pace = pace_of(assertion.subject.device_trust, assertion.obligations)
        try:
            return await self._desk.submit(person, [line.line() for line in lines], read_key(key), pace)
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


def shown(receipt: Receipt) -> dict[str, Any]:
    """A record, and while it waits whose turn it is: 1 is next."""
    return {**receipt.record.document(), "position": receipt.position}


def prefers_to_wait(request: Request) -> bool:
    """Whether the caller would rather have the result than a 202 (RFC 7240, section 4.3)."""
    preferences = ",".join(request.headers.getlist("prefer")).split(",")
    return any(one.strip().partition("=")[0].lower() == "wait" for one in preferences)


def _number(sent: str) -> int:
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 4):
        raise Problem(NOT_UNDERSTOOD, "A quantity is a number.")
    return int(sent)
