"""The page on which a person cancels: what of it, then what that costs, and only then the act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Database
from config.problem import Problem
from upstreams.door.answers import NOT_UNDERSTOOD
from upstreams.door.forms import FormTokens
from upstreams.door.person import Person, person_of
from upstreams.door.words import PersonPages
from upstreams.reservation.cancelling.cancellation import FEE_GREW, NOT_KEPT, ONLY_WHOLE, TOO_LATE, Cancellation
from upstreams.reservation.cancelling.desk import CancellationDesk, Wanted
from upstreams.reservation.endpoints.asked import chosen
from upstreams.reservation.record import NO_SUCH_RESERVATION, NOTHING_CHOSEN, Record
from upstreams.reservation.stores import Stores
from upstreams.trade.allocation import Line, basket_of
from upstreams.trade.money import Money

LONGEST_REASON = 500
TOLD_HERE = (FEE_GREW, NOT_KEPT, ONLY_WHOLE, TOO_LATE, NOTHING_CHOSEN)
"""What the page itself tells; anything else has a page of its own."""
Fields = Sequence[tuple[str, str]]


class CancellingPage:
    """The page of whoever cancels."""

    def __init__(
        self, database: Database, stores: Stores, desk: CancellationDesk, pages: PersonPages, tokens: FormTokens
    ) -> None:
        self._database = database
        self._stores = stores
        self._desk = desk
        self._pages = pages
        self._tokens = tokens

    def routes(self) -> list[BaseRoute]:
        return [Route("/reservations/{id:uuid}/cancel", self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """GET /reservations/{id}/cancel: what can be cancelled; with something chosen, what that costs now."""
        person, ident = person_of(request), request.path_params["id"]
        fields = request.query_params.multi_items()
        terms = await self._desk.terms(person, ident)
        record = await self._record(person, ident)
        form = dict(fields)
        if "chosen" not in form and (record.state == "PENDING" or sum(line["kept"] for line in terms) == 1):
            fields = [("all", "1")]  # there is nothing to choose
        elif "chosen" not in form:
            return self._page(request, person, record, terms, fields)
        return await self._preview(request, person, record, terms, fields)

    async def again(self, request: Request, person: Person, ident: UUID, fields: Fields, problem: Problem) -> Response:
        """The page once more, with why it was not done."""
        terms, record = await self._desk.terms(person, ident), await self._record(person, ident)
        if problem.kind is FEE_GREW:
            return await self._preview(request, person, record, terms, fields, problem)
        return self._page(request, person, record, terms, fields, problem=problem)

    async def _preview(
        self,
        request: Request,
        person: Person,
        record: Record,
        terms: Sequence[dict[str, Any]],
        fields: Fields,
        problem: Problem | None = None,
    ) -> Response:
        try:
            preview = await self._desk.preview(person, record.id, wanted_by(fields))
        except Problem as refused:
            if refused.kind not in TOLD_HERE:
                raise
            return self._page(request, person, record, terms, fields, problem=refused)
        return self._page(request, person, record, terms, fields, problem=problem, preview=preview)

    async def _record(self, person: Person, ident: UUID) -> Record:
        async with self._database.connect() as tx:
            record = await self._stores.records.find(tx, ident, person.id)
        if record is None:
            raise Problem(NO_SUCH_RESERVATION)
        return record

    def _page(
        self,
        request: Request,
        person: Person,
        record: Record,
        terms: Sequence[dict[str, Any]],
        fields: Fields,
        *,
        problem: Problem | None = None,
        preview: Cancellation | None = None,
    ) -> Response:
        form = dict(fields)
        return self._pages.respond(
            request,
            "cancel.html",
            status=problem.kind.status.value if problem else 200,
            form_token=self._tokens.issue(person.session),
            record=record,
            amount=lambda minor, like: Money(minor, like.currency),
            lines=[(line, next(one for one in terms if one["sku"] == line.sku)) for line in record.lines],
            form=form,
            seats_chosen={label for name, label in fields if name.startswith("seat.")},
            problem=problem,
            preview=preview,
            kept_fields=[(name, value) for name, value in fields if name.partition(".")[0] in _CHOICE],
            wrong=_too_many(fields, terms) if problem and problem.kind is NOT_KEPT else [],
            longest=LONGEST_REASON,
        )


_CHOICE = ("all", "quantity", "seat")


def wanted_by(fields: Fields) -> Wanted:
    """What a form wants cancelled. Raises `NOTHING_CHOSEN`, `NOT_UNDERSTOOD`."""
    form = dict(fields)
    reason = form.get("reason", "")[:LONGEST_REASON]
    agreed = _amount(form["agreed"]) if "agreed" in form else None
    lines = [] if form.get("all") else chosen(fields)
    if not lines:
        if not form.get("all") and "chosen" in form:
            raise Problem(NOTHING_CHOSEN)
        return Wanted(reason=reason, agreed=agreed)
    try:
        basket = basket_of(UUID(int=0), [Line(sku, quantity, seats) for sku, quantity, seats in lines])
    except ValueError as error:
        raise Problem(NOT_UNDERSTOOD, str(error)) from error
    return Wanted(basket.lines, reason, agreed)


def _amount(sent: str) -> int:
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 15):
        raise Problem(NOT_UNDERSTOOD, "An amount is a number.")
    return int(sent)


def _too_many(fields: Fields, terms: Sequence[dict[str, Any]]) -> list[str]:
    kept = {line["sku"]: line["kept"] for line in terms}
    return [sku for sku, quantity, _ in chosen(fields) if quantity > kept.get(sku, 0)]
