"""What the catalogue is made of: categories, types, states, and the people who work on products. Administrators' alone,
but what everybody may read."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.problem import Problem
from upstreams.commerce.catalogue import attributes
from upstreams.commerce.catalogue.categories import CATEGORY_IN_USE, NOT_A_PLACE, ShopCategory, may_stand
from upstreams.commerce.catalogue.editing import DOES_NOT_FIT
from upstreams.commerce.catalogue.types import ProductKind, Strategies
from upstreams.commerce.endpoints.editors import BASE, Desk, must_match, read_asked
from upstreams.commerce.endpoints.product_documents import Code
from upstreams.commerce.endpoints.structure_documents import (
    AskedKind,
    AskedMember,
    AskedShopCategory,
    AskedState,
    CategoryDocument,
    CategoryList,
    KindDocument,
    KindList,
    MemberDocument,
    MemberList,
    StateCode,
    StateDocument,
    StateList,
    StrategyDocument,
)
from upstreams.commerce.lifecycle import states as states_
from upstreams.commerce.lifecycle.states import STATE_IN_USE, State
from upstreams.commerce.lifecycle.teams import Member
from upstreams.door.answers import NOT_FOUND, NOT_UNDERSTOOD, json_answer


class StructureEndpoints:
    """The endpoints of what the catalogue is made of."""

    def __init__(self, desk: Desk, strategies: Strategies) -> None:
        self._desk = desk
        self._stores = desk.stores
        self._strategies = strategies

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/categories", self.categories, methods=["GET"]),
            Route(f"{BASE}/categories/{{code}}", self.put_category, methods=["PUT"]),
            Route(f"{BASE}/categories/{{code}}", self.remove_category, methods=["DELETE"]),
            Route(f"{BASE}/types", self.kinds, methods=["GET"]),
            Route(f"{BASE}/types/{{code}}", self.put_kind, methods=["PUT"]),
            Route(f"{BASE}/states", self.states, methods=["GET"]),
            Route(f"{BASE}/states/{{code}}", self.put_state, methods=["PUT"]),
            Route(f"{BASE}/states/{{code}}", self.remove_state, methods=["DELETE"]),
            Route(f"{BASE}/team-members", self.members, methods=["GET"]),
            Route(f"{BASE}/team-members/{{id:uuid}}", self.put_member, methods=["PUT"]),
        ]

    async def categories(self, request: Request) -> Response:
        """GET /api/categories: the tree; everybody who is signed in reads it."""
        async with self._desk.database.connect() as tx:
            found = await self._stores.categories.all(tx)
        shown = msgspec.convert(found, list[CategoryDocument], from_attributes=True)
        return json_answer(request, CategoryList(shown))

    async def put_category(self, request: Request) -> Response:
        """PUT …/categories/{code}: make one, or change one whose version is named in If-Match."""
        asked = await read_asked(request, AskedShopCategory)
        code = _code(request, Code)
        async with self._desk.database.begin() as tx:
            await self._desk.administrator(request, tx)
            others = await self._stores.categories.all(tx, lock=True)
            before = next((one for one in others if one.code == code), None)
            if before is not None:
                must_match(request, f'"{before.version}"')
            version = before.version + 1 if before else 1
            category = ShopCategory(code, asked.parent, msgspec.to_builtins(asked.name), asked.position, version)
            if not may_stand(category, others):
                raise Problem(NOT_A_PLACE)
            await self._stores.categories.put(tx, category)
        document = msgspec.convert(category, CategoryDocument, from_attributes=True)
        return json_answer(request, document, headers={"ETag": f'"{version}"'})

    async def remove_category(self, request: Request) -> Response:
        """DELETE …/categories/{code}: one in which nothing stands."""
        async with self._desk.database.begin() as tx:
            await self._desk.administrator(request, tx)
            others = await self._stores.categories.all(tx, lock=True)
            if request.path_params["code"] not in {one.code for one in others}:
                raise Problem(NOT_FOUND)
            if not await self._stores.categories.remove(tx, request.path_params["code"]):
                raise Problem(CATEGORY_IN_USE)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def kinds(self, request: Request) -> Response:
        """GET …/types: the types, and the ways of selling that they can name."""
        async with self._desk.database.connect() as tx:
            await self._desk.editor(request, tx)
            found = await self._stores.kinds.all(tx)
        types = msgspec.convert(found, list[KindDocument], from_attributes=True)
        ways = msgspec.convert(list(self._strategies), list[StrategyDocument], from_attributes=True)
        return json_answer(request, KindList(types, ways))

    async def put_kind(self, request: Request) -> Response:
        """PUT …/types/{code}: its products must fit it as it will be."""
        asked = await read_asked(request, AskedKind)
        code = _code(request, StateCode)
        try:
            attributes.check_schema(asked.attributes)
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD, str(error)) from error
        kind = ProductKind(code, asked.strategy, msgspec.to_builtins(asked.name), asked.attributes)
        self._strategies.of(kind.strategy)
        async with self._desk.database.begin() as tx:
            await self._desk.administrator(request, tx)
            await self._stores.kinds.put(tx, kind)
            for product, has in await self._stores.kinds.attributes_of(tx, code):
                if wrong := self._strategies.wrong(kind, has):
                    raise Problem(DOES_NOT_FIT, f"{product}: {'; '.join(wrong)}")
        return json_answer(request, msgspec.convert(kind, KindDocument, from_attributes=True))

    async def states(self, request: Request) -> Response:
        """GET …/states."""
        async with self._desk.database.connect() as tx:
            await self._desk.editor(request, tx)
            found = await self._stores.lives.states(tx)
        return json_answer(request, StateList(msgspec.convert(found, list[StateDocument], from_attributes=True)))

    async def put_state(self, request: Request) -> Response:
        """PUT …/states/{code}: make a state, or change one; those that ship keep what they do."""
        asked = await read_asked(request, AskedState)
        code = _code(request, StateCode)
        async with self._desk.database.begin() as tx:
            await self._desk.administrator(request, tx)
            known = await self._stores.lives.states(tx, lock=True)
            before = next((one for one in known if one.code == code), None)
            state = State(
                code,
                msgspec.to_builtins(asked.name),
                msgspec.to_builtins(asked.description),
                asked.sellable,
                asked.position,
                asked.on_entry,
                before.shipped if before else False,
                sorted(set(asked.follows)),
            )
            try:
                states_.check(state, set(asked.follows_on), known)
            except ValueError as error:
                raise Problem(NOT_UNDERSTOOD, str(error)) from error
            await self._stores.lives.put_state(tx, state, asked.follows_on)
        return json_answer(request, msgspec.convert(state, StateDocument, from_attributes=True))

    async def remove_state(self, request: Request) -> Response:
        """DELETE …/states/{code}: one that did not ship, and in which no product is or was."""
        async with self._desk.database.begin() as tx:
            await self._desk.administrator(request, tx)
            if not await self._stores.lives.remove_state(tx, request.path_params["code"]):
                raise Problem(STATE_IN_USE)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def members(self, request: Request) -> Response:
        """GET …/team-members."""
        async with self._desk.database.connect() as tx:
            await self._desk.administrator(request, tx)
            found = await self._stores.teams.members(tx)
        return json_answer(request, MemberList(msgspec.convert(found, list[MemberDocument], from_attributes=True)))

    async def put_member(self, request: Request) -> Response:
        """PUT …/team-members/{id}: under an id that the caller chooses."""
        asked = await read_asked(request, AskedMember)
        ident: UUID = request.path_params["id"]
        member = Member(ident, asked.person, asked.name, asked.role, asked.contact, asked.active)
        async with self._desk.database.begin() as tx:
            await self._desk.administrator(request, tx)
            if not await self._stores.teams.put_member(tx, member, self._desk.clock.now()):
                raise Problem(NOT_UNDERSTOOD, "This person is a member by another id.")
        return json_answer(request, msgspec.convert(member, MemberDocument, from_attributes=True))


def _code(request: Request, kind: Any) -> str:
    try:
        code: str = msgspec.convert(request.path_params["code"], kind)
    except msgspec.ValidationError as error:
        raise Problem(NOT_UNDERSTOOD, str(error)) from error
    return code
