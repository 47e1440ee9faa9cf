"""The pages on which a person chooses: everything there is, the seats of one thing, a day of one resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.clock import Clock
from config.connections import Database, reading
from config.entropy import Entropy
from config.problem import Problem
from upstreams.door.answers import NOT_FOUND, NOT_UNDERSTOOD
from upstreams.door.forms import FormTokens
from upstreams.door.person import Person, person_of
from upstreams.door.words import PersonPages
from upstreams.reservation.availability import Availability
from upstreams.reservation.choosing import choice_of, day_of, pieces_of, products_of, rows_of
from upstreams.reservation.endpoints.asked import chosen
from upstreams.reservation.offers import Offer
from upstreams.reservation.stores import Stores

ZONE = "Asia/Seoul"
"""The clock of the pages."""
Fields = Sequence[tuple[str, str]]


class ChoosingPages:
    """The pages of whoever chooses. What is wrong with what was chosen stands beside it, on the same page."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        availability: Availability,
        pages: PersonPages,
        tokens: FormTokens,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._database = database
        self._stores = stores
        self._availability = availability
        self._pages = pages
        self._tokens = tokens
        self._clock = clock
        self._entropy = entropy

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/reservations/new", self.all, methods=["GET"]),
            Route("/reservations/new/{sku}", self.one, methods=["GET"]),
        ]

    async def all(self, request: Request) -> Response:
        """GET /reservations/new: everything that can be reserved; `from` and `until` are days."""
        return await self._all(request, person_of(request))

    async def one(self, request: Request) -> Response:
        """GET /reservations/new/{sku}: the seats of one thing, or a `day` of one resource."""
        return await self._one(request, person_of(request), request.path_params["sku"])

    async def again(self, request: Request, person: Person, fields: Fields, problem: Problem) -> Response:
        """The page that the form was sent from, with what was chosen and what is wrong with it."""
        of = dict(fields).get("page", "")
        if of:
            return await self._one(request, person, of, fields, problem)
        return await self._all(request, person, fields, problem)

    async def _all(
        self, request: Request, person: Person, fields: Fields = (), problem: Problem | None = None
    ) -> Response:
        levels, now = await self._availability.levels(), self._clock.now()
        days = [_day(request.query_params.get(name, "")) for name in ("from", "until")]
        async with reading(self._database) as tx:
            offers = await self._stores.offers.find(tx, product=None, between=None)
        return self._page(
            request,
            person,
            "choose.html",
            fields,
            problem,
            products=products_of([offer for offer in offers if _within(offer, days)], levels, now),
            days=[day.isoformat() if day else "" for day in days],
            wrong=_too_many(fields, levels),
        )

    async def _one(
        self, request: Request, person: Person, sku: str, fields: Fields = (), problem: Problem | None = None
    ) -> Response:
        levels, now = await self._availability.levels(), self._clock.now()
        day = _day(request.query_params.get("day") or dict(fields).get("day", ""))
        shown = day_of(day or _tomorrow(now), ZONE)
        async with reading(self._database) as tx:
            offer = await self._stores.offers.one(tx, sku)
            if offer is None or offer.kind == "counted":
                raise Problem(NOT_FOUND)
            seats = await self._stores.offers.seats(tx, sku) if offer.kind == "seated" else ()
            taken = await self._stores.offers.taken(tx, sku, shown) if offer.kind == "resource" else ()
        return self._page(
            request,
            person,
            "seats.html" if offer.kind == "seated" else "times.html",
            fields,
            problem,
            offer=offer,
            choice=choice_of(offer, levels),
            rows=rows_of(seats),
            pieces=pieces_of(shown, offer.unit_minutes, taken, now) if offer.unit_minutes else [],
            day=shown.start.date().isoformat(),
            today=now.astimezone(ZoneInfo(ZONE)).date().isoformat(),
            clock=lambda at: at.astimezone(ZoneInfo(ZONE)).strftime("%H:%M"),
        )

    def _page(
        self,
        request: Request,
        person: Person,
        template: str,
        fields: Fields,
        problem: Problem | None,
        **context: Any,
    ) -> Response:
        form = dict(fields)
        # what was refused for good would be refused again by the same key; what may still come true keeps it
        keeps = problem is not None and problem.kind.status in (
            HTTPStatus.TOO_MANY_REQUESTS,
            HTTPStatus.SERVICE_UNAVAILABLE,
        )
        return self._pages.respond(
            request,
            template,
            status=problem.kind.status.value if problem else HTTPStatus.OK.value,
            form_token=self._tokens.issue(person.session),
            key=form["key"] if keeps and form.get("key") else self._entropy.token(16),
            problem=problem,
            form=form,
            seats_chosen={label for name, label in fields if name.startswith("seat.")},
            **context,
        )


def _too_many(fields: Fields, levels: Mapping[str, int]) -> list[str]:
    """The things of which more was chosen than there is."""
    try:
        return [sku for sku, quantity, _ in chosen(fields) if quantity > levels.get(sku, 0)]
    except Problem:
        return []


def _day(sent: str) -> date | None:
    if not sent:
        return None
    try:
        return date.fromisoformat(sent)
    except ValueError as error:
        raise Problem(NOT_UNDERSTOOD, "A day is as in RFC 3339.") from error


def _tomorrow(now: datetime) -> date:
    return now.astimezone(ZoneInfo(ZONE)).date() + timedelta(days=1)


def _within(offer: Offer, days: Sequence[date | None]) -> bool:
    """Whether something is had within these days; what has no time always is."""
    if offer.starts_at is None:
        return True
    first, last = days
    begins = offer.starts_at.astimezone(ZoneInfo(ZONE)).date()
    return (first is None or begins >= first) and (last is None or begins <= last)
