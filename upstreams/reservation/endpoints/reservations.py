"""Reservations: 202 once the request is durable, the result when it is decided. Each is its owner's alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.clock import Clock
from config.connections import Database
from config.problem import Problem
from jose.assertion_middleware import assertion_of
from upstreams.door.administrators import administers
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
from upstreams.door.words import PersonPages
from upstreams.reservation.batch import Batches
from upstreams.reservation.cancelling.desk import CancellationDesk
from upstreams.reservation.desk import Desk, Receipt
from upstreams.reservation.endpoints.asked import Asked, AskedLine, asked_by_form
from upstreams.reservation.endpoints.choosing import ChoosingPages
from upstreams.reservation.life import State
from upstreams.reservation.pace import pace_of
from upstreams.reservation.paying.desk import PaymentDesk
from upstreams.reservation.record import NO_SUCH_RESERVATION, Record
from upstreams.reservation.stores import Stores
from upstreams.trade.idempotency import HEADER, read_key
from upstreams.trade.money import Money

AT_ONCE = 20
"""Reservations on one page of the list."""
GROUPS: Mapping[str, frozenset[State]] = {
    "waiting": frozenset({"QUEUED"}),
    "held": frozenset({"PENDING"}),
    "confirmed": frozenset({"CONFIRMED"}),
    "cancelled": frozenset({"CANCELLED", "REFUNDED"}),
    "ended": frozenset({"REFUSED", "FAILED", "EXPIRED", "RELEASED"}),
}
"""How the list is narrowed down."""


class ReservationEndpoints:
    """The endpoints of reservations."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        desk: Desk,
        batches: Batches,
        payments: PaymentDesk,
        cancellations: CancellationDesk,
        choosing: ChoosingPages,
        pages: PersonPages,
        tokens: FormTokens,
        clock: Clock,
    ) -> None:
        self._database = database
        self._desk = desk
        self._batches = batches
        self._payments = payments
        self._cancellations = cancellations
        self._choosing = choosing
        self._clock = clock
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
            return await self._submit_form(request, person)
        asked = await read_json(request, Asked)
        receipt = await self._submit(request, person, asked.lines, request.headers.get(HEADER))
        headers = {"Location": f"/reservations/{receipt.record.id}"}
        if prefers_to_wait(request) and receipt.position == 1:
            # nobody waits before it: the direct transaction takes the same locks and decides at once
            await self._batches.decide([receipt.record.id])
            record = await self._record(receipt.record.id, person)
            return json_answer(request, record.document(), headers={**headers, "Preference-Applied": "wait"})
        return json_answer(request, receipt.document(), status=HTTPStatus.ACCEPTED, headers=headers)

    async def _submit_form(self, request: Request, person: Person) -> Response:
        fields = await read_fields(request)
        form = dict(fields)
        self._tokens.check(person.session, form.get(FIELD, ""))
        try:
            lines = asked_by_form(fields)
            receipt = await self._submit(request, person, lines, form.get("key"))
        except Problem as problem:
            if "page" not in form or not wants_page(request):
                raise
            return await self._choosing.again(request, person, fields, problem)
        return see_other(f"/reservations/{receipt.record.id}")

    async def one(self, request: Request) -> Response:
        """GET /reservations/{id}: the owner's; for everybody else there is none."""
        person = person_of(request)
        if wants_page(request):
            return await self._shown(request, person, request.path_params["id"])
        record = await self._record(request.path_params["id"], person)
        return json_answer(request, Receipt(record, await self._desk.position(record)).document())

    async def _shown(self, request: Request, person: Person, ident: UUID) -> Response:
        async with self._database.connect() as tx:
            # first: what happens from here on is told to the page, however old the rest is by then
            last = await self._stores.happenings.newest(tx, person.id)
            record = await self._stores.records.find(tx, ident, person.id)
            if record is None:
                raise Problem(NO_SUCH_RESERVATION)
            history = await self._stores.records.history(tx, record)
        return self._page(
            request,
            person,
            "reservation.html",
            record=record,
            last=last,
            history=history,
            position=await self._desk.position(record),
            standing=await self._payments.standing(person, ident),
            cancellations=await self._cancellations.all(person, ident),
            now=self._clock.now(),
        )

    async def _record(self, ident: UUID, person: Person) -> Record:
        async with self._database.connect() as tx:
            record = await self._stores.records.find(tx, ident, person.id)
        if record is None:
            raise Problem(NO_SUCH_RESERVATION)
        return record

    async def mine(self, request: Request) -> Response:
        """GET /reservations: the person's own, the newest first; `show` narrows it down, `before` leads on."""
        person = person_of(request)
        show, before = request.query_params.get("show", ""), request.query_params.get("before", "")
        if show and show not in GROUPS:
            raise Problem(NOT_UNDERSTOOD, f"What can be shown: {', '.join(GROUPS)}.")
        try:
            after = UUID(before) if before else None
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD, "`before` is the id of a reservation.") from error
        async with self._database.connect() as tx:
            found = await self._stores.records.of(
                tx, person.id, states=GROUPS.get(show), before=after, limit=AT_ONCE + 1
            )
        records, more = found[:AT_ONCE], len(found) > AT_ONCE
        if wants_page(request):
            return self._page(
                request,
                person,
                "reservations.html",
                records=records,
                more=more,
                show=show,
                groups=["", *GROUPS],
                paged=bool(before),
                administers=administers(request),
            )
        following = {"next": records[-1].id} if more else {}
        return json_answer(request, {"reservations": [record.document() for record in records], **following})

    async def confirm(self, request: Request) -> Response:
        """POST /reservations/{id}/confirm: keep for good what is held."""
        require_same_origin(request)
        person = person_of(request)
        if sent_by_form(request):
            self._tokens.check(person.session, dict(await read_fields(request)).get(FIELD, ""))
        await self._payments.require_nothing_due(person, request.path_params["id"])
        record = await self._desk.confirm(person, request.path_params["id"])
        return self._changed(request, record)

    async def _submit(self, request: Request, person: Person, lines: Sequence[AskedLine], key: str | None) -> Receipt:
        assertion = assertion_of(request)
        pace = pace_of(assertion.subject.device_trust, assertion.risk, assertion.obligations)
        try:
            return await self._desk.submit(person, [line.line() for line in lines], read_key(key), pace)
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD, str(error)) from error

    def _changed(self, request: Request, record: Record) -> Response:
        if sent_by_form(request):
            return see_other(f"/reservations/{record.id}")
        return json_answer(request, record.document())

    def _page(self, request: Request, person: Person, template: str, **context: Any) -> Response:
        return self._pages.respond(
            request,
            template,
            amount=lambda minor, like: Money(minor, like.currency),
            form_token=self._tokens.issue(person.session),
            form_action=self._payments.pages,  # where the form that begins a payment ends up
            **context,
        )


def prefers_to_wait(request: Request) -> bool:
    """Whether the caller would rather have the result than a 202 (RFC 7240, section 4.3)."""
    preferences = ",".join(request.headers.getlist("prefer")).split(",")
    return any(one.strip().partition("=")[0].lower() == "wait" for one in preferences)
