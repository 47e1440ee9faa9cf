"""Orders: placed once, seen by their owner alone."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Database
from config.problem import Problem
from upstreams.commerce.checkout import Checkout
from upstreams.commerce.ordering import MAX_LINES, MAX_QUANTITY, NO_SUCH_ORDER, Purchase, Purchases, wanted_of
from upstreams.door.answers import NOT_UNDERSTOOD, json_answer, read_form, read_json, see_other
from upstreams.door.forms import FIELD, FormTokens, require_same_origin
from upstreams.door.person import Person, person_of
from upstreams.door.words import PersonPages
from upstreams.trade.idempotency import HEADER, read_key


class AskedLine(msgspec.Struct, forbid_unknown_fields=True):
    """So many of one offer."""

    offer: UUID
    quantity: Annotated[int, msgspec.Meta(ge=1, le=MAX_QUANTITY)]


class AskedOrder(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an order."""

    lines: Annotated[list[AskedLine], msgspec.Meta(min_length=1, max_length=MAX_LINES)]


class Orders:
    """The endpoints of orders."""

    def __init__(
        self,
        database: Database,
        checkout: Checkout,
        purchases: Purchases,
        pages: PersonPages,
        tokens: FormTokens,
    ) -> None:
        self._database = database
        self._checkout = checkout
        self._pages = pages
        self._tokens = tokens
        self._purchases = purchases

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/orders", self.place, methods=["POST"]),
            Route("/api/orders", self.mine, methods=["GET"]),
            Route("/api/orders/{id:uuid}", self.one, methods=["GET"]),
            Route("/orders", self.place_by_form, methods=["POST"]),
            Route("/orders", self.mine_page, methods=["GET"]),
            Route("/orders/{id:uuid}", self.one_page, methods=["GET"]),
        ]

    async def place(self, request: Request) -> Response:
        """POST /api/orders: 201 with the order; 409 when sold out."""
        require_same_origin(request)
        person = person_of(request)
        key = read_key(request.headers.get(HEADER))
        asked = await read_json(request, AskedOrder)
        bought = await self._place(person, [(line.offer, line.quantity) for line in asked.lines], key)
        return json_answer(
            request,
            document(bought),
            status=HTTPStatus.CREATED,
            headers={"Location": f"/api/orders/{bought.id}"},
        )

    async def place_by_form(self, request: Request) -> Response:
        """POST /orders: the shop page's button, without a script."""
        require_same_origin(request)
        person = person_of(request)
        form = await read_form(request)
        self._tokens.check(person.session, form.get(FIELD, ""))
        key = read_key(form.get("key"))
        try:
            lines = [(UUID(form.get("offer", "")), int(form.get("quantity", "1")))]
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD) from error
        bought = await self._place(person, lines, key)
        return see_other(f"/orders/{bought.id}")

    async def one(self, request: Request) -> Response:
        """GET /api/orders/{id}: the owner's; for everybody else there is none."""
        return json_answer(request, document(await self._find(request)))

    async def mine(self, request: Request) -> Response:
        """GET /api/orders: the person's own, the newest first."""
        return json_answer(request, {"orders": [document(bought) for bought in await self._of(request)]})

    async def one_page(self, request: Request) -> Response:
        """GET /orders/{id}: the confirmation."""
        return self._pages.respond(request, "order.html", purchase=await self._find(request))

    async def mine_page(self, request: Request) -> Response:
        """GET /orders: what this person bought."""
        return self._pages.respond(request, "orders.html", purchases=await self._of(request))

    async def _place(self, person: Person, lines: list[tuple[UUID, int]], key: str) -> Purchase:
        try:
            wanted = wanted_of(lines)
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD, str(error)) from error
        return await self._checkout.place(person, wanted, key)

    async def _find(self, request: Request) -> Purchase:
        async with self._database.connect() as tx:
            bought = await self._purchases.find(tx, request.path_params["id"], person_of(request).id)
        if bought is None:
            raise Problem(NO_SUCH_ORDER)
        return bought

    async def _of(self, request: Request) -> list[Purchase]:
        async with self._database.connect() as tx:
            return list(await self._purchases.of(tx, person_of(request).id))


def document(bought: Purchase) -> dict[str, Any]:
    """A purchase as programs read it; amounts are minor units."""
    return {
        "id": bought.id,
        "placed_at": bought.placed_at,
        "currency": bought.total.currency,
        "total": bought.total.minor,
        "orders": [
            {
                "id": order.id,
                "seller": {"id": order.seller, "name": order.seller_name},
                "state": order.state,
                "goods": order.goods.minor,
                "lines": [
                    {
                        "offer": line.offer,
                        "sku": line.taken.sku,
                        "name": line.name,
                        "quantity": line.taken.quantity,
                        "unit_price": line.unit_price.minor,
                    }
                    for line in order.lines
                ],
            }
            for order in bought.orders
        ],
    }
