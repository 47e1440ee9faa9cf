"""Elevations: asked for by whoever is signed in and may, decided about by somebody else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from uuid import UUID

from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.openapi import Operation
from config.problem import Problem
from config.web import correlation_id
from events import outbox
from jose.assertion_middleware import assertion_of
from jose.freshness import challenge
from policy.admin import problems
from policy.admin.group import BASE, Endpoint, answer, read
from policy.admin.overlay_messages import ElevationList, Reasoned
from policy.admin.overlay_pages import limit_and_place, path_id, query_word
from policy.lint import ADMINISTRATOR
from policy.overlay.elevation import Elevation, HeldAlready, NotForYou, State, TooLong, Wish
from policy.overlay.granting import AskedAlready, Granting, NoSuchElevation, Person, Settled, TooMany
from policy.overlay.page import Place

_LISTED = (("state", "Only those in this state"), ("limit", "At most so many"), ("after", "`next` of the page before"))
Act = Callable[[Transaction, Person, UUID, str, datetime], Awaitable[Elevation]]


class Elevations:
    """What stands under `elevations`. Who may do what is the policy's to say, so that they admit by themselves: whoever
    is signed in, and comes in person."""

    changing: tuple[Endpoint, ...] = ()

    def __init__(self, granting: Granting, database: Database, valkey: Valkey, clock: Clock, *, operator: str) -> None:
        self._granting = granting
        self._database = database
        self._valkey = valkey
        self._clock = clock
        self._operator = operator
        one, acts = "/elevations/{id}", Reasoned
        self.operations: dict[Operation, Endpoint] = {
            Operation(
                "POST", "/elevations", "Ask for a role, for a time", Elevation, Wish, HTTPStatus.CREATED
            ): self.ask,
            Operation("GET", "/elevations", "List those that you may see", ElevationList, query=_LISTED): self.list,
            Operation("GET", one, "Show one", Elevation): self.show,
            Operation("POST", f"{one}/approve", "Grant it, from now on", Elevation, acts): self.approve,
            Operation("POST", f"{one}/refuse", "Say no", Elevation, acts): self.refuse,
            Operation("POST", f"{one}/withdraw", "Take back what you asked for", Elevation, acts): self.withdraw,
            Operation("POST", f"{one}/end", "End it before its time", Elevation, acts): self.end,
        }

    async def ask(self, request: Request) -> Response:
        self._demand_factors(request)
        wish, now = await read(request, Wish), self._clock.now()
        async with self._acting(request) as (tx, person):
            made = await self._granting.ask(tx, person, wish, now)
        return answer(made, HTTPStatus.CREATED, {"Location": f"{BASE}/elevations/{made.id}"})

    async def list(self, request: Request) -> Response:
        """GET elevations?state=&limit=&after="""
        (limit, after), state, now = limit_and_place(request), query_word(request, State), self._clock.now()
        async with self._reading(request) as (tx, person):
            found = await self._granting.list(tx, person, state=state, now=now, after=after, limit=limit + 1)
        last = found[limit - 1] if len(found) > limit else None
        place = None if last is None else Place(last.asked_at, last.id).encode()
        return answer(ElevationList(list(found[:limit]), place))

    async def show(self, request: Request) -> Response:
        ident = path_id(request, problems.NO_SUCH_ELEVATION)
        async with self._reading(request) as (tx, person):
            return answer(await self._granting.show(tx, person, ident, self._clock.now()))

    async def approve(self, request: Request) -> Response:
        return await self._act(request, self._granting.approve)

    async def refuse(self, request: Request) -> Response:
        return await self._act(request, self._granting.refuse)

    async def withdraw(self, request: Request) -> Response:
        return await self._act(request, self._granting.withdraw)

    async def end(self, request: Request) -> Response:
        return await self._act(request, self._granting.end)

    async def _act(self, request: Request, act: Act) -> Response:
        self._demand_factors(request)
        ident, asked = path_id(request, problems.NO_SUCH_ELEVATION), await read(request, Reasoned)
        async with self._acting(request) as (tx, person):
            made = await act(tx, person, ident, asked.why, self._clock.now())
        return answer(made)

    def _demand_factors(self, request: Request) -> None:
        if (asked := challenge(assertion_of(request).subject, self._clock.timestamp())) is not None:
            raise Problem(problems.FACTORS_NOT_FRESH, headers=asked)

    @asynccontextmanager
    async def _acting(self, request: Request) -> AsyncIterator[tuple[Transaction, Person]]:
        """One act in a transaction; what the rules refuse becomes a problem."""
        try:
            async with self._database.begin() as tx:
                yield tx, await self._person(tx, request)
        except NoSuchElevation as error:
            raise Problem(problems.NO_SUCH_ELEVATION) from error
        except NotForYou as error:
            raise Problem(problems.NOT_FOR_YOU) from error
        except Settled as error:
            raise Problem(problems.ELEVATION_SETTLED) from error
        except (AskedAlready, HeldAlready) as error:
            raise Problem(problems.ASKED_ALREADY) from error
        except TooLong as error:
            raise Problem(problems.ELEVATION_TOO_LONG, f"at most {error.longest} seconds") from error
        except TooMany as error:
            raise Problem(problems.TOO_MANY_STAND) from error
        await outbox.poke(self._valkey)

    @asynccontextmanager
    async def _reading(self, request: Request) -> AsyncIterator[tuple[Transaction, Person]]:
        async with self._database.connect() as tx:
            person = await self._person(tx, request)
            try:
                yield tx, person
            except NoSuchElevation as error:
                raise Problem(problems.NO_SUCH_ELEVATION) from error

    async def _person(self, tx: Transaction, request: Request) -> Person:
        """Who asks. A program, for itself or for somebody, asks for nothing and decides nothing: `NOT_FOR_YOU`."""
        who = assertion_of(request).subject
        if not who.sub or not who.org or who.actors:
            raise Problem(problems.NOT_FOR_YOU)
        person = Person(who.sub, who.org, frozenset(who.roles), who.sid, correlation_id(request))
        own = await self._granting.own_roles(tx, person, self._clock.now())
        administers = ADMINISTRATOR in own
        return replace(person, roles=own, administers=administers, sees_all=administers and who.org == self._operator)
