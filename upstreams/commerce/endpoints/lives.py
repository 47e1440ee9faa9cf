"""The life of a product: transitions, plans, events, versions, its team, and how long everything took."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Transaction
from config.problem import Problem
from upstreams.commerce.catalogue.editing import CHANGED_MEANWHILE
from upstreams.commerce.endpoints.editors import BASE, Desk, read_asked
from upstreams.commerce.endpoints.lives_documents import (
    AskedAssignment,
    AskedEnd,
    AskedNote,
    AskedPlan,
    AskedTransition,
    AskedVersion,
    AssignmentDocument,
    ChangeDocument,
    Difference,
    EventDocument,
    EventPage,
    LifeDocument,
    StayDocument,
    TeamDocument,
    TimesDocument,
    VersionDocument,
    VersionPage,
)
from upstreams.commerce.lifecycle.states import Life
from upstreams.commerce.lifecycle.teams import ALREADY_ASSIGNED, Assignment
from upstreams.commerce.lifecycle.times import launch_delay, stays, time_in_states
from upstreams.commerce.lifecycle.versions import Version, diff
from upstreams.door.answers import NOT_FOUND, NOT_UNDERSTOOD, json_answer

EVENTS = 100
"""On one page."""


class LifeEndpoints:
    """The endpoints of products' lives."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stores = desk.stores

    def routes(self) -> list[BaseRoute]:
        one = f"{BASE}/products/{{code}}"
        return [
            Route(f"{one}/life", self.life, methods=["GET"]),
            Route(f"{one}/transitions", self.move, methods=["POST"]),
            Route(f"{one}/launch", self.plan, methods=["PUT"]),
            Route(f"{one}/events", self.events, methods=["GET"]),
            Route(f"{one}/events", self.note, methods=["POST"]),
            Route(f"{one}/versions", self.versions, methods=["GET"]),
            Route(f"{one}/versions", self.record, methods=["POST"]),
            Route(f"{one}/versions/{{before}}/changes/{{after}}", self.changes, methods=["GET"]),
            Route(f"{one}/times", self.times, methods=["GET"]),
            Route(f"{one}/team", self.team, methods=["GET"]),
            Route(f"{one}/team", self.assign, methods=["POST"]),
            Route(f"{one}/team/{{id:uuid}}/end", self.end, methods=["POST"]),
        ]

    async def life(self, request: Request) -> Response:
        """GET …/life: where it is, and where it can go."""
        async with self._desk.database.connect() as tx:
            _, product = await self._desk.product(request, tx)
            return await self._life(request, tx, product.id)

    async def move(self, request: Request) -> Response:
        """POST …/transitions: to a state that follows; becoming ready releases the newest version."""
        asked = await read_asked(request, AskedTransition)
        async with self._desk.database.begin() as tx:
            editor, product = await self._desk.product(request, tx, lock=True)

            async def make() -> UUID:
                await self._desk.lifecycle.move(tx, product.id, asked.to, asked.notes, editor.person)
                return product.id

            await self._desk.once(request, tx, msgspec.to_builtins(asked), make)
            return await self._life(request, tx, product.id)

    async def plan(self, request: Request) -> Response:
        """PUT …/launch: when it is planned, and when a worker launches it; neither: there is no plan."""
        asked = await read_asked(request, AskedPlan)
        async with self._desk.database.begin() as tx:
            editor, product = await self._desk.product(request, tx, matched=True)
            await self._desk.lifecycle.plan(tx, product.id, asked.planned_at, asked.due_at, editor.person)
            return await self._life(request, tx, product.id)

    async def _life(self, request: Request, tx: Transaction, product: UUID) -> Response:
        life = await self._stores.lives.find(tx, product)
        assert life is not None
        follows = next(state.follows for state in await self._stores.lives.states(tx) if state.code == life.state)
        document = LifeDocument(
            life.product,
            life.state,
            list(follows),
            life.version,
            life.created_at,
            life.planned_launch_at,
            life.launch_due_at,
            life.launched_at,
            life.ended_at,
        )
        return json_answer(request, document, headers={"ETag": f'"{life.version}"'})

    async def events(self, request: Request) -> Response:
        """GET …/events: what happened, the first first; `after` the number of one."""
        sent = request.query_params.get("after", "0")
        if not (sent.isascii() and sent.isdigit() and len(sent) <= 18):
            raise Problem(NOT_UNDERSTOOD, "An event has a number.")
        async with self._desk.database.connect() as tx:
            _, product = await self._desk.product(request, tx)
            found = await self._stores.lives.events(tx, product.id, after=int(sent), limit=EVENTS + 1)
        page = found[:EVENTS]
        rest = page[-1].id if len(found) > len(page) else None
        return json_answer(request, EventPage(msgspec.convert(page, list[EventDocument], from_attributes=True), rest))

    async def note(self, request: Request) -> Response:
        """POST …/events: write something down, after the end of the life too."""
        asked = await read_asked(request, AskedNote)
        async with self._desk.database.begin() as tx:
            editor, product = await self._desk.product(request, tx, lock=True)

            async def make() -> UUID:
                await self._desk.lifecycle.note(tx, product.id, asked.notes, editor.person)
                return product.id

            await self._desk.once(request, tx, msgspec.to_builtins(asked), make)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def versions(self, request: Request) -> Response:
        """GET …/versions: the newest first."""
        async with self._desk.database.connect() as tx:
            _, product = await self._desk.product(request, tx)
            found = await self._stores.versions.all(tx, product.id)
        return json_answer(request, VersionPage([_version(one) for one in found]))

    async def record(self, request: Request) -> Response:
        """POST …/versions: keep the product as it is now, under a number above all that there are."""
        asked = await read_asked(request, AskedVersion)
        async with self._desk.database.begin() as tx:
            editor, product = await self._desk.product(request, tx, lock=True)

            async def make() -> UUID:
                made = await self._desk.lifecycle.record(tx, product, asked.number, asked.description, editor.person)
                return made.id

            ident = await self._desk.once(request, tx, msgspec.to_builtins(asked), make)
            version = next(one for one in await self._stores.versions.all(tx, product.id) if one.id == ident)
        return json_answer(request, _version(version), status=HTTPStatus.CREATED)

    async def changes(self, request: Request) -> Response:
        """GET …/versions/{before}/changes/{after}: by their numbers; `now` is the product as it stands."""
        async with self._desk.database.connect() as tx:
            _, product = await self._desk.product(request, tx)
            known = {one.number: one.snapshot for one in await self._stores.versions.all(tx, product.id)}
            known["now"] = await self._desk.lifecycle.snapshot(tx, product)
        before, after = request.path_params["before"], request.path_params["after"]
        if before not in known or after not in known:
            raise Problem(NOT_FOUND)
        found = [ChangeDocument(one.path, one.before, one.after) for one in diff(known[before], known[after])]
        return json_answer(request, Difference(before, after, found))

    async def times(self, request: Request) -> Response:
        """GET …/times: how long it was in each state, and how late its launch."""
        async with self._desk.database.connect() as tx:
            _, product = await self._desk.product(request, tx)
            life = await self._stores.lives.find(tx, product.id)
            assert life is not None
            events = await self._stores.lives.events(tx, product.id, limit=10_000)
        return json_answer(request, _times(life, events, self._desk.clock.now()))

    async def team(self, request: Request) -> Response:
        """GET …/team."""
        async with self._desk.database.connect() as tx:
            _, product = await self._desk.product(request, tx)
            return await self._team(request, tx, product.id)

    async def assign(self, request: Request) -> Response:
        """POST …/team: put somebody to work on it."""
        asked = await read_asked(request, AskedAssignment)
        async with self._desk.database.begin() as tx:
            _, product = await self._desk.product(request, tx, lock=True)

            async def make() -> UUID:
                ident = self._desk.entropy.uuid()
                assignment = Assignment(ident, asked.member, "", asked.role, asked.assigned_on, None)
                if not await self._stores.teams.assign(tx, product.id, assignment):
                    raise Problem(ALREADY_ASSIGNED)
                return ident

            await self._desk.once(request, tx, msgspec.to_builtins(asked), make)
            return await self._team(request, tx, product.id, status=HTTPStatus.CREATED)

    async def end(self, request: Request) -> Response:
        """POST …/team/{id}/end: the last day of an assignment."""
        asked = await read_asked(request, AskedEnd)
        async with self._desk.database.begin() as tx:
            _, product = await self._desk.product(request, tx, lock=True)
            ident: UUID = request.path_params["id"]

            async def make() -> UUID:
                if not await self._stores.teams.end(tx, product.id, ident, asked.until):
                    raise Problem(CHANGED_MEANWHILE)
                return ident

            await self._desk.once(request, tx, msgspec.to_builtins(asked), make)
            return await self._team(request, tx, product.id)

    async def _team(self, request: Request, tx: Transaction, product: UUID, *, status: int = 200) -> Response:
        team = await self._stores.teams.team(tx, product)
        shown = msgspec.convert(team, list[AssignmentDocument], from_attributes=True)
        return json_answer(request, TeamDocument(shown), status=status)


def _version(version: Version) -> VersionDocument:
    return msgspec.convert(version, VersionDocument, from_attributes=True)


def _times(life: Life, events: Any, now: datetime) -> TimesDocument:
    delay = launch_delay(life, now)
    return TimesDocument(
        [
            StayDocument(stay.state, stay.since, stay.until, stay.lasted(now).total_seconds())
            for stay in stays(life, events, now)
        ],
        {state: lasted.total_seconds() for state, lasted in time_in_states(life, events, now).items()},
        delay.total_seconds() if delay is not None else None,
    )
