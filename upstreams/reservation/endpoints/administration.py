"""What administrators do: stock by optimistic versions, slots laid out by a plan, seats, dead letters.

For everybody else there is nothing here. The gateway asks for two factors before it lets a change through.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from http import HTTPStatus
from typing import Annotated, Any
from zoneinfo import ZoneInfoNotFoundError

import msgspec
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.clock import Clock
from config.connections import Database
from config.entropy import Entropy
from config.problem import Problem
from upstreams.door.administrators import administrator_of
from upstreams.door.answers import (
    NOT_FOUND,
    NOT_UNDERSTOOD,
    json_answer,
    read_form,
    read_json,
    see_other,
    sent_by_form,
)
from upstreams.door.forms import FIELD, FormTokens, require_same_origin
from upstreams.reservation.gatekeeping import Gatekeeper
from upstreams.reservation.offers import Plan
from upstreams.reservation.queue import RequestQueue
from upstreams.reservation.record import CHANGED_MEANWHILE, IF_MATCH_MISSING
from upstreams.reservation.stores import Stores
from upstreams.trade.stock import Row

BASE = "/reservations/administration"
CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


class AskedStock(msgspec.Struct, forbid_unknown_fields=True):
    """How many stand in one place, all together."""

    on_hand: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class AskedSlots(msgspec.Struct, forbid_unknown_fields=True):
    """A plan of slots, like a thing that there is."""

    like: Annotated[str, msgspec.Meta(min_length=2, max_length=28)]
    """The thing that they are like; a slot is called `LIKE-YYMMDDHHMM`, in UTC."""
    warehouse: str
    first: date
    last: date
    weekdays: Annotated[list[Annotated[int, msgspec.Meta(ge=0, le=6)]], msgspec.Meta(min_length=1, max_length=7)]
    times: Annotated[list[Annotated[str, msgspec.Meta(pattern=CLOCK)]], msgspec.Meta(min_length=1, max_length=96)]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]
    capacity: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    zone: str = "Asia/Seoul"


class AskedSeats(msgspec.Struct, forbid_unknown_fields=True):
    """Seats of a thing, the best first."""

    seats: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=20)]], msgspec.Meta(min_length=1, max_length=2000)
    ]


class AdministrationEndpoints:
    """The endpoints of administrators."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        gatekeeper: Gatekeeper,
        queue: RequestQueue,
        tokens: FormTokens,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._database = database
        self._stores = stores
        self._gatekeeper = gatekeeper
        self._queue = queue
        self._tokens = tokens
        self._clock = clock
        self._entropy = entropy

    def routes(self) -> list[BaseRoute]:
        table: list[tuple[str, str, Callable[[Request], Any]]] = [
            ("GET", "/stock/{sku}/{warehouse}", self.stock),
            ("PUT", "/stock/{sku}/{warehouse}", self.set_stock),
            ("POST", "/slots", self.lay_out),
            ("POST", "/offers/{sku}/seats", self.put_seats),
            ("GET", "/dead-letters", self.dead_letters),
            ("POST", "/dead-letters/{id:int}/retry", self.retry),
        ]
        return [Route(BASE + path, endpoint, methods=[method]) for method, path, endpoint in table]

    async def stock(self, request: Request) -> Response:
        """GET …/stock/{sku}/{warehouse}: the counts of one row; the ETag is its version."""
        administrator_of(request)
        row = await self._row(request)
        return json_answer(request, _stock(row), headers={"ETag": _tag(row)})

    async def set_stock(self, request: Request) -> Response:
        """PUT …/stock/{sku}/{warehouse}: how many there are, where nobody changed the row since it was read."""
        who = administrator_of(request)
        require_same_origin(request)
        asked = await read_json(request, AskedStock)
        row = await self._row(request)
        sent = request.headers.get("if-match")
        if sent is None:
            raise Problem(IF_MATCH_MISSING, headers={"ETag": _tag(row)})
        if sent != _tag(row):
            raise Problem(CHANGED_MEANWHILE, headers={"ETag": _tag(row)})
        cause = f"adjust:{who.id}:{self._entropy.uuid()}:{asked.reason}"
        try:
            async with self._database.begin() as tx:
                done = await self._stores.stock.adjust(tx, row, asked.on_hand, cause, self._clock.now())
        except IntegrityError as error:
            raise Problem(NOT_UNDERSTOOD, f"{row.held + row.allocated} are promised.") from error
        row = await self._row(request)
        if not done:
            raise Problem(CHANGED_MEANWHILE, headers={"ETag": _tag(row)})
        await self._gatekeeper.count([row.sku])
        return json_answer(request, _stock(row), headers={"ETag": _tag(row)})

    async def lay_out(self, request: Request) -> Response:
        """POST …/slots: make the slots of a plan; those that there are stay as they are."""
        administrator_of(request)
        require_same_origin(request)
        asked = await read_json(request, AskedSlots)
        times = [time.fromisoformat(one) for one in asked.times]
        plan = Plan(asked.first, asked.last, asked.weekdays, times, asked.minutes, asked.zone)
        try:
            slots = {f"{asked.like}-{window.start:%y%m%d%H%M}": window for window in plan.windows()}
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise Problem(NOT_UNDERSTOOD, str(error)) from error
        async with self._database.begin() as tx:
            pattern = await self._stores.offers.one(tx, asked.like)
            if pattern is None:
                raise Problem(NOT_FOUND)
            made = await self._stores.offers.lay_out(tx, pattern, slots, asked.warehouse)
            quantities = [(code, asked.warehouse, asked.capacity) for code in made]
            await self._stores.stock.receive(tx, f"slots:{self._entropy.uuid()}", quantities, self._clock.now())
        return json_answer(request, {"slots": made}, status=HTTPStatus.CREATED)

    async def put_seats(self, request: Request) -> Response:
        """POST …/offers/{sku}/seats: seats of a seated thing. Its stock says how many can be sold, seats which ones."""
        administrator_of(request)
        require_same_origin(request)
        asked = await read_json(request, AskedSeats)
        async with self._database.begin() as tx:
            offer = await self._stores.offers.one(tx, request.path_params["sku"])
            if offer is None or offer.kind != "seated":
                raise Problem(NOT_FOUND)
            count = await self._stores.offers.seat(tx, offer.sku, asked.seats)
        return json_answer(request, {"new": count}, status=HTTPStatus.CREATED)

    async def dead_letters(self, request: Request) -> Response:
        """GET …/dead-letters: requests that could not be decided, the newest first; `before` leads on."""
        administrator_of(request)
        before = request.query_params.get("before", "")
        if before and not (before.isascii() and before.isdigit() and len(before) <= 18):
            raise Problem(NOT_UNDERSTOOD, "A dead letter has a number.")
        async with self._database.connect() as tx:
            letters = await self._stores.dead_letters.list(tx, before=int(before) if before else None)
        return json_answer(request, {"dead_letters": letters})

    async def retry(self, request: Request) -> Response:
        """POST …/dead-letters/{id}/retry: have it decided once more; its person is told what becomes of it."""
        who = administrator_of(request)
        require_same_origin(request)
        if by_form := sent_by_form(request):
            self._tokens.check(who.session, (await read_form(request)).get(FIELD, ""))
        async with self._database.begin() as tx:
            found = await self._stores.dead_letters.retry(tx, request.path_params["id"], who.id, self._clock.now())
        if found is None:
            raise Problem(NOT_FOUND)
        ident, person, shard = found
        position = await self._queue.join(ident, shard, person)
        if by_form:
            return see_other(BASE)
        return json_answer(request, {"request": ident, "position": position}, status=HTTPStatus.ACCEPTED)

    async def _row(self, request: Request) -> Row:
        sku, warehouse = request.path_params["sku"], request.path_params["warehouse"]
        async with self._database.connect() as tx:
            rows = await self._stores.stock.rows(tx, sku)
        for row in rows:
            if row.warehouse == warehouse:
                return row
        raise Problem(NOT_FOUND)


def _stock(row: Row) -> dict[str, Any]:
    left = row.on_hand - row.held - row.allocated
    return {**msgspec.to_builtins(row), "available": left}


def _tag(row: Row) -> str:
    return f'"{row.version}"'
