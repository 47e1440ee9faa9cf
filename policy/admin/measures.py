"""Measures: ordered, listed and lifted by administrators of the operating organisation."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database, Valkey
from config.openapi import Operation
from config.problem import Problem
from config.web import correlation_id
from events import outbox
from jose.assertion_middleware import assertion_of
from policy.admin import problems
from policy.admin.group import BASE, Endpoint, answer, read
from policy.admin.overlay_messages import MeasureList, Reasoned
from policy.admin.overlay_pages import limit_and_place, path_id, query_word
from policy.overlay.measure import Measure, Ordered, WrongMeasure
from policy.overlay.ordering import By, LastAdministrator, Orders, Store, TooManyMeasures
from policy.overlay.page import Place


class Standing(StrEnum):
    """What a list may be asked for."""

    STANDS = "stands"
    OVER = "over"


_LISTED = (("state", "`stands` or `over`"), ("limit", "At most so many"), ("after", "`next` of the page before"))


class Measures:
    """What stands under `measures`."""

    def __init__(self, orders: Orders, store: Store, database: Database, valkey: Valkey, clock: Clock) -> None:
        self._orders = orders
        self._store = store
        self._database = database
        self._valkey = valkey
        self._clock = clock
        one = "/measures/{id}"
        self.operations: dict[Operation, Endpoint] = {
            Operation("POST", "/measures", "Order one, from now on", Measure, Ordered, HTTPStatus.CREATED): self.take,
            Operation("GET", "/measures", "List measures, the newest first", MeasureList, query=_LISTED): self.list,
            Operation("GET", one, "Show one", Measure): self.show,
            Operation("POST", f"{one}/lift", "End it before its time", Measure, Reasoned): self.lift,
        }
        self.changing = (self.take, self.lift)

    async def take(self, request: Request) -> Response:
        ordered = await read(request, Ordered)
        try:
            async with self._database.begin() as tx:
                made = await self._orders.take(tx, ordered, _by(request), self._clock.now())
        except WrongMeasure as error:
            raise Problem(problems.WRONG_MEASURE, str(error)) from error
        except LastAdministrator as error:
            raise Problem(problems.LAST_ADMINISTRATOR) from error
        except TooManyMeasures as error:
            raise Problem(problems.TOO_MANY_STAND) from error
        await outbox.poke(self._valkey)
        return answer(made, HTTPStatus.CREATED, {"Location": f"{BASE}/measures/{made.id}"})

    async def list(self, request: Request) -> Response:
        """GET measures?state=&limit=&after="""
        (limit, after), state, now = limit_and_place(request), query_word(request, Standing), self._clock.now()
        standing = None if state is None else state is Standing.STANDS
        async with self._database.connect() as tx:
            found = await self._store.page(tx, standing=standing, now=now, after=after, limit=limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        place = None if last is None else Place(last.at, last.id).encode()
        return answer(MeasureList(list(found[:limit]), place))

    async def show(self, request: Request) -> Response:
        ident = path_id(request, problems.NO_SUCH_MEASURE)
        async with self._database.connect() as tx:
            found = await self._store.find(tx, ident)
        if found is None:
            raise Problem(problems.NO_SUCH_MEASURE)
        return answer(found)

    async def lift(self, request: Request) -> Response:
        ident, asked = path_id(request, problems.NO_SUCH_MEASURE), await read(request, Reasoned)
        async with self._database.begin() as tx:
            lifted = await self._orders.lift(tx, ident, _by(request), asked.why, self._clock.now())
        if lifted is None:
            raise Problem(problems.NO_SUCH_MEASURE)
        await outbox.poke(self._valkey)
        return answer(lifted)


def _by(request: Request) -> By:
    who = assertion_of(request).subject
    return By(who.sub, correlation_id(request), who.sid)
