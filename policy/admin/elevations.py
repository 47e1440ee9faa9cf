"""Elevations: asked for by whoever is signed in and may, decided about by somebody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from config.connections import Transaction
from config.openapi import Operation
from policy.admin import problems
from policy.admin.acting import Acting
from policy.admin.group import BASE, Endpoint, answer, read
from policy.admin.overlay_messages import Askable, AskableList, ElevationList, Reasoned
from policy.admin.overlay_pages import limit_and_place, path_id, query_word
from policy.overlay.elevation import Elevation, State, Wish
from policy.overlay.granting import Person
from policy.overlay.page import Place

_LISTED = (("state", "Only those in this state"), ("limit", "At most so many"), ("after", "`next` of the page before"))
Act = Callable[[Transaction, Person, UUID, str, datetime], Awaitable[Elevation]]


class Elevations:
    """What stands under `elevations`. Who may do what is the policy's to say, so that they admit by themselves: whoever
    is signed in, and comes in person."""

    changing: tuple[Endpoint, ...] = ()

    def __init__(self, acting: Acting) -> None:
        self._acting = acting
        self._granting = acting.granting
        one, acts = "/elevations/{id}", Reasoned
        self.operations: dict[Operation, Endpoint] = {
            Operation(
                "POST", "/elevations", "Ask for a role, for a time", Elevation, Wish, HTTPStatus.CREATED
            ): self.ask,
            Operation("GET", "/elevations", "List those that you may see", ElevationList, query=_LISTED): self.list,
            Operation("GET", "/elevations/roles", "What you may ask for, and for how long", AskableList): self.askable,
            Operation("GET", one, "Show one", Elevation): self.show,
            Operation("POST", f"{one}/approve", "Grant it, from now on", Elevation, acts): self.approve,
            Operation("POST", f"{one}/refuse", "Say no", Elevation, acts): self.refuse,
            Operation("POST", f"{one}/withdraw", "Take back what you asked for", Elevation, acts): self.withdraw,
            Operation("POST", f"{one}/end", "End it before its time", Elevation, acts): self.end,
        }

    async def ask(self, request: Request) -> Response:
        self._acting.demand_factors(request)
        wish, now = await read(request, Wish), self._acting.now()
        async with self._acting.acting(request) as (tx, person):
            made = await self._granting.ask(tx, person, wish, now)
        return answer(made, HTTPStatus.CREATED, {"Location": f"{BASE}/elevations/{made.id}"})

    async def list(self, request: Request) -> Response:
        """GET elevations?state=&limit=&after="""
        (limit, after), state, now = limit_and_place(request), query_word(request, State), self._acting.now()
        async with self._acting.reading(request) as (tx, person):
            found = await self._granting.list(tx, person, state=state, now=now, after=after, limit=limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        place = None if last is None else Place(last.asked_at, last.id).encode()
        return answer(ElevationList(list(found[:limit]), place))

    async def askable(self, request: Request) -> Response:
        async with self._acting.reading(request) as (tx, person):
            found = await self._granting.askable(tx, person)
        return answer(AskableList([Askable(role, seconds) for role, seconds in sorted(found.items())]))

    async def show(self, request: Request) -> Response:
        ident = path_id(request, problems.NO_SUCH_ELEVATION)
        async with self._acting.reading(request) as (tx, person):
            return answer(await self._granting.show(tx, person, ident, self._acting.now()))

    async def approve(self, request: Request) -> Response:
        return await self._act(request, self._granting.approve)

    async def refuse(self, request: Request) -> Response:
        return await self._act(request, self._granting.refuse)

    async def withdraw(self, request: Request) -> Response:
        return await self._act(request, self._granting.withdraw)

    async def end(self, request: Request) -> Response:
        return await self._act(request, self._granting.end)

    async def _act(self, request: Request, act: Act) -> Response:
        self._acting.demand_factors(request)
        ident, asked = path_id(request, problems.NO_SUCH_ELEVATION), await read(request, Reasoned)
        async with self._acting.acting(request) as (tx, person):
            made = await act(tx, person, ident, asked.why, self._acting.now())
        return answer(made)
