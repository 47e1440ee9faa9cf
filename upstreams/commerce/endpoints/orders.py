"""Orders: placed once, seen by their owner alone, cancelled, sent back, and what was thought of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Database
from config.entity_tags import unchanged
from config.problem import Problem
from jose.assertion_middleware import assertion_of
from upstreams.commerce.endpoints import documents
from upstreams.commerce.endpoints.asked import (
    AskedFeedback,
    AskedOrder,
    AskedWithdrawal,
    cursor,
    limit_of,
)
from upstreams.commerce.ordering.placing import Checkout
from upstreams.commerce.ordering.planning import Choices
from upstreams.commerce.ordering.purchase import NO_SUCH_ORDER, Purchase, wanted_of
from upstreams.commerce.ordering.withdrawing import WithdrawalDesk
from upstreams.commerce.stores import Stores
from upstreams.door.answers import NOT_UNDERSTOOD, json_answer, read_form, read_json, see_other
from upstreams.door.forms import FIELD, FormTokens, require_same_origin
from upstreams.door.person import Person, person_of
from upstreams.trade.idempotency import HEADER, read_key


class Orders:
    """The endpoints of orders."""

    def __init__(
        self,
        database: Database,
        checkout: Checkout,
        stores: Stores,
        withdrawals: WithdrawalDesk,
        tokens: FormTokens,
    ) -> None:
        self._database = database
        self._checkout = checkout
        self._stores = stores
        self._withdrawals = withdrawals
        self._tokens = tokens

    def routes(self) -> list[BaseRoute]:
        one = "/api/orders/{id:uuid}"
        return [
            Route("/api/orders", self.place, methods=["POST"]),
            Route("/api/orders", self.mine, methods=["GET"]),
            Route(one, self.one, methods=["GET"]),
            Route(one + "/events", self.events, methods=["GET"]),
            Route(one + "/shipments", self.shipments, methods=["GET"]),
            Route(one + "/invoices", self.invoices, methods=["GET"]),
            Route(one + "/abandon", self.abandon, methods=["POST"]),
            Route(one + "/cancellations", self.cancellations, methods=["GET"]),
            Route(one + "/parts/{part:uuid}/cancellations", self.cancel, methods=["POST"]),
            Route(one + "/parts/{part:uuid}/returns", self.send_back, methods=["POST"]),
            Route(one + "/parts/{part:uuid}/feedback", self.say, methods=["POST"]),
            Route("/orders", self.place_by_form, methods=["POST"]),
        ]

    async def place(self, request: Request) -> Response:
        """POST /api/orders: 201 with the order; 409 when sold out."""
        require_same_origin(request)
        person = person_of(request)
        key = read_key(request.headers.get(HEADER))
        asked = await read_json(request, AskedOrder)
        locale = "en" if assertion_of(request).subject.locale == "en" else "ko"
        destination = asked.destination.destination() if asked.destination else None
        choices = Choices(asked.methods, destination, asked.paying, asked.agreed, locale)
        lines = [(line.offer, line.quantity) for line in asked.lines]
        bought = await self._place(person, lines, key, choices, collected=destination is None)
        return json_answer(
            request,
            documents.purchase(bought),
            status=HTTPStatus.CREATED,
            headers={"Location": f"/api/orders/{bought.id}", "ETag": _tag(bought)},
        )

    async def place_by_form(self, request: Request) -> Response:
        """POST /orders: one product's button, without a script; it is collected at the seller's."""
        require_same_origin(request)
        person = person_of(request)
        form = await read_form(request)
        self._tokens.check(person.session, form.get(FIELD, ""))
        key = read_key(form.get("key"))
        try:
            lines = [(UUID(form.get("offer", "")), int(form.get("quantity", "1")))]
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD) from error
        bought = await self._place(person, lines, key, Choices({}), collected=True)
        return see_other(f"/orders/{bought.id}")

    async def one(self, request: Request) -> Response:
        """GET /api/orders/{id}: the owner's; for everybody else there is none. The ETag changes with it."""
        bought = await self._find(request)
        if unchanged(request, _tag(bought)):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": _tag(bought)})
        return json_answer(request, documents.purchase(bought), headers={"ETag": _tag(bought)})

    async def mine(self, request: Request) -> Response:
        """GET /api/orders: the person's own, the newest first; `before` one of them they go on."""
        limit = limit_of(request)
        async with self._database.connect() as tx:
            found = await self._stores.purchases.of(tx, person_of(request).id, limit=limit + 1, before=cursor(request))
        document: dict[str, Any] = {"orders": [documents.purchase(bought) for bought in found[:limit]]}
        document["next"] = found[limit - 1].id if len(found) > limit else None
        return json_answer(request, document)

    async def events(self, request: Request) -> Response:
        """GET /api/orders/{id}/events: what happened to it, the oldest first."""
        bought = await self._find(request)
        async with self._database.connect() as tx:
            found = await self._stores.purchases.events(tx, [order.id for order in bought.orders])
        return json_answer(request, {"events": [_event(one) for one in found]})

    async def shipments(self, request: Request) -> Response:
        """GET /api/orders/{id}/shipments: its parcels, and where they are."""
        bought = await self._find(request)
        async with self._database.connect() as tx:
            found = await self._stores.shipments.of(tx, [order.id for order in bought.orders])
        return json_answer(request, {"shipments": [documents.shipment(one) for one in found]})

    async def invoices(self, request: Request) -> Response:
        """GET /api/orders/{id}/invoices: one of each seller; with negative sums, what was taken back of it."""
        bought = await self._find(request)
        async with self._database.connect() as tx:
            found = await self._stores.ledger.invoices(tx, [order.id for order in bought.orders])
        document = [
            {
                "id": one.id,
                "order": one.order,
                "seller": one.seller,
                "number": one.number,
                "supply": one.supply.minor,
                "vat": one.vat.minor,
                "total": one.total.minor,
                "currency": one.total.currency,
                "issued_at": one.issued_at,
            }
            for one in found
        ]
        return json_answer(request, {"invoices": document})

    async def abandon(self, request: Request) -> Response:
        """POST /api/orders/{id}/abandon: give up an order that is not paid."""
        require_same_origin(request)
        await self._withdrawals.abandon(person_of(request), request.path_params["id"])
        return json_answer(request, documents.purchase(await self._find(request)))

    async def cancellations(self, request: Request) -> Response:
        """GET /api/orders/{id}/cancellations: what was cancelled or sent back of it."""
        bought = await self._find(request)
        async with self._database.connect() as tx:
            found = await self._stores.withdrawals.of(tx, [order.id for order in bought.orders])
        return json_answer(request, {"cancellations": [documents.withdrawal(one) for one in found]})

    async def cancel(self, request: Request) -> Response:
        """POST /api/orders/{id}/parts/{part}/cancellations: what has not gone out."""
        return await self._withdraw(request, self._withdrawals.cancel)

    async def send_back(self, request: Request) -> Response:
        """POST /api/orders/{id}/parts/{part}/returns: what arrived."""
        return await self._withdraw(request, self._withdrawals.send_back)

    async def say(self, request: Request) -> Response:
        """POST /api/orders/{id}/parts/{part}/feedback: 201 the first time, 200 afterwards."""
        require_same_origin(request)
        asked = await read_json(request, AskedFeedback)
        ident, part = request.path_params["id"], request.path_params["part"]
        fresh = await self._withdrawals.say(person_of(request), ident, part, asked.stars, asked.words)
        return json_answer(request, {"new": fresh}, status=HTTPStatus.CREATED if fresh else HTTPStatus.OK)

    async def _withdraw(self, request: Request, act: Any) -> Response:
        require_same_origin(request)
        key = read_key(request.headers.get(HEADER))
        asked = await read_json(request, AskedWithdrawal)
        wanted: dict[str, int] = {}
        for line in asked.lines:
            wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
        ident, part = request.path_params["id"], request.path_params["part"]
        made = await act(person_of(request), ident, part, wanted, asked.reason, key)
        return json_answer(request, documents.withdrawal(made), status=HTTPStatus.CREATED)

    async def _place(
        self, person: Person, lines: list[tuple[UUID, int]], key: str, choices: Choices, *, collected: bool
    ) -> Purchase:
        try:
            wanted = wanted_of(lines)
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD, str(error)) from error
        return await self._checkout.place(person, wanted, key, choices, collected=collected)

    async def _find(self, request: Request) -> Purchase:
        async with self._database.connect() as tx:
            bought = await self._stores.purchases.find(tx, request.path_params["id"], person_of(request).id)
        if bought is None:
            raise Problem(NO_SUCH_ORDER)
        return bought


def _tag(bought: Purchase) -> str:
    return f'"{bought.version + sum(order.version for order in bought.orders)}"'


def _event(one: Any) -> dict[str, Any]:
    return {
        "order": one["seller_order"],
        "kind": one["kind"],
        "subject": one["subject"],
        "from": one["from_state"],
        "to": one["to_state"],
        "at": one["at"],
        "note": one["note"],
    }
