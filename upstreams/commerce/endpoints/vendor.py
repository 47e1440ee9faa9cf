"""What a seller sees and does: its own orders and nothing else, as an API and as a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Database
from config.entropy import Entropy
from config.problem import Problem
from upstreams.commerce.endpoints import documents
from upstreams.commerce.endpoints.asked import (
    AskedAnswer,
    AskedMethods,
    AskedParcel,
    AskedTracking,
    cursor,
    limit_of,
    words_of,
)
from upstreams.commerce.ledger.settlement import Settlement
from upstreams.commerce.ordering.states import CancellationState, ShipmentState
from upstreams.commerce.ordering.withdrawing import WithdrawalDesk
from upstreams.commerce.sellers.desk import Seller, SellerDesk
from upstreams.commerce.shipping.desk import Parcel, ShippingDesk
from upstreams.commerce.shipping.rates import Method, Rule
from upstreams.commerce.shipping.shipment import CARRIERS
from upstreams.commerce.stores import Stores
from upstreams.door.answers import NOT_UNDERSTOOD, json_answer, read_form, read_json, see_other
from upstreams.door.forms import FIELD, FormTokens, require_same_origin
from upstreams.door.person import Person, person_of
from upstreams.door.words import PersonPages
from upstreams.trade.idempotency import HEADER, read_key

STATES = ("paid", "preparing", "shipping", "completed", "cancelled")


class VendorEndpoints:
    """The endpoints of sellers."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        sellers: SellerDesk,
        shipping: ShippingDesk,
        withdrawals: WithdrawalDesk,
        settlement: Settlement,
        pages: PersonPages,
        tokens: FormTokens,
        entropy: Entropy,
    ) -> None:
        self._database = database
        self._stores = stores
        self._sellers = sellers
        self._shipping = shipping
        self._withdrawals = withdrawals
        self._settlement = settlement
        self._pages = pages
        self._tokens = tokens
        self._entropy = entropy

    def routes(self) -> list[BaseRoute]:
        one = "/api/vendor/orders/{id:uuid}"
        return [
            Route("/api/vendor/orders", self.orders, methods=["GET"]),
            Route(one, self.order, methods=["GET"]),
            Route(one + "/prepare", self.prepare, methods=["POST"]),
            Route(one + "/shipments", self.ship, methods=["POST"]),
            Route(one + "/shipments/{shipment:uuid}/tracking", self.track, methods=["POST"]),
            Route(one + "/returns", self.returns, methods=["GET"]),
            Route(one + "/returns/{withdrawal:uuid}/answer", self.answer, methods=["POST"]),
            Route("/api/vendor/balance", self.balance, methods=["GET"]),
            Route("/api/vendor/shipping-methods", self.methods, methods=["GET"]),
            Route("/api/vendor/shipping-methods", self.set_methods, methods=["PUT"]),
            Route("/vendor", self.page, methods=["GET"]),
            Route("/vendor/orders/{id:uuid}", self.order_page, methods=["GET"]),
            Route("/vendor/orders/{id:uuid}", self.act_by_form, methods=["POST"]),
            Route("/vendor/orders/{id:uuid}/returns", self.answer_by_form, methods=["POST"]),
        ]

    async def orders(self, request: Request) -> Response:
        """GET /api/vendor/orders: its paid orders, the newest first; `before` one of them they go on."""
        seller = await self._seller(request)
        limit, state = limit_of(request), request.query_params.get("state")
        if state is not None and state not in STATES:
            raise Problem(NOT_UNDERSTOOD, f"state is one of {', '.join(STATES)}.")
        found = await self._shipping.orders(seller.id, state=state, before=cursor(request), limit=limit + 1)
        rows = [(bought, order) for bought in found for order in bought.orders]
        document: dict[str, Any] = {"orders": [documents.for_seller(*row) for row in rows[:limit]]}
        document["next"] = rows[limit - 1][1].id if len(rows) > limit else None
        return json_answer(request, document)

    async def order(self, request: Request) -> Response:
        """GET /api/vendor/orders/{id}: one of its own; of everybody else's there is none."""
        seller = await self._seller(request)
        found = await self._shipping.order(seller.id, request.path_params["id"])
        return json_answer(request, documents.for_seller(*found), headers={"ETag": f'"{found[1].version}"'})

    async def prepare(self, request: Request) -> Response:
        """POST …/prepare: it is being prepared; its buyer sees so."""
        require_same_origin(request)
        seller, ident = await self._seller(request), request.path_params["id"]
        await self._shipping.prepare(person_of(request), seller.id, ident)
        return json_answer(request, documents.for_seller(*await self._shipping.order(seller.id, ident)))

    async def ship(self, request: Request) -> Response:
        """POST …/shipments: a parcel goes out, with some or all of what is left."""
        require_same_origin(request)
        key = read_key(request.headers.get(HEADER))
        asked = await read_json(request, AskedParcel)
        quantities: dict[str, int] = {}
        for line in asked.lines:
            quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
        seller, ident = await self._seller(request), request.path_params["id"]
        parcel = Parcel(asked.carrier, asked.tracking, quantities)
        made = await self._shipping.ship(person_of(request), seller.id, ident, parcel, key)
        _, _, shipments = await self._shipping.order(seller.id, ident)
        found = next(one for one in shipments if one.id == made)
        return json_answer(request, documents.shipment(found), status=HTTPStatus.CREATED)

    async def track(self, request: Request) -> Response:
        """POST …/shipments/{shipment}/tracking: where it is."""
        require_same_origin(request)
        asked = await read_json(request, AskedTracking)
        seller, ident = await self._seller(request), request.path_params["id"]
        await self._shipping.track(
            person_of(request), seller.id, ident, request.path_params["shipment"], asked.state, asked.note
        )
        return json_answer(request, documents.for_seller(*await self._shipping.order(seller.id, ident)))

    async def returns(self, request: Request) -> Response:
        """GET …/returns: what was cancelled or is sent back of it."""
        seller, ident = await self._seller(request), request.path_params["id"]
        await self._shipping.order(seller.id, ident)
        async with self._database.connect() as tx:
            found = await self._stores.withdrawals.of(tx, [ident])
        return json_answer(request, {"returns": [documents.withdrawal(one) for one in found]})

    async def answer(self, request: Request) -> Response:
        """POST …/returns/{withdrawal}/answer: taken back, not taken, or that it is here; then the money goes back."""
        require_same_origin(request)
        asked = await read_json(request, AskedAnswer)
        seller = await self._seller(request)
        made = await self._withdrawals.answer(
            person_of(request),
            seller.id,
            request.path_params["id"],
            request.path_params["withdrawal"],
            asked.state,
            asked.note,
        )
        return json_answer(request, documents.withdrawal(made))

    async def balance(self, request: Request) -> Response:
        """GET /api/vendor/balance: what it has earned, what it may be paid, what it was paid."""
        seller = await self._seller(request)
        balances = {one.account: -one.amount.minor for one in await self._settlement.balances(seller.id)}
        payouts = await self._settlement.payouts(seller.id)
        return json_answer(
            request,
            {
                "pending": balances.get("pending", 0),
                "payable": balances.get("payable", 0),
                "payouts": [
                    {"id": one.id, "period": one.period, "amount": one.amount.minor, "made_at": one.made_at}
                    for one in payouts
                ],
            },
        )

    async def methods(self, request: Request) -> Response:
        """GET /api/vendor/shipping-methods: how it delivers, and what that costs."""
        return json_answer(request, await self._methods(await self._seller(request)))

    async def set_methods(self, request: Request) -> Response:
        """PUT /api/vendor/shipping-methods: all of them, its first choice first."""
        require_same_origin(request)
        asked = await read_json(request, AskedMethods)
        if any("ko" not in one.name for one in asked.methods):
            raise Problem(NOT_UNDERSTOOD, "Each way of delivery has a name in Korean (ko).")
        seller = await self._seller(request)
        try:
            methods = [
                Method(
                    one.code,
                    {str(language): words for language, words in one.name.items()},
                    one.days_min,
                    max(one.days_min, one.days_max),
                    [Rule(rule.region, rule.from_grams, rule.fee, rule.free_from) for rule in one.rules],
                )
                for one in asked.methods
            ]
            await self._sellers.deliver_by(seller.id, methods)
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD, str(error)) from error
        return json_answer(request, await self._methods(seller))

    async def page(self, request: Request) -> Response:
        """GET /vendor: its orders, what it has earned."""
        seller = await self._seller(request)
        state = request.query_params.get("state")
        state = state if state in STATES else None
        found = await self._shipping.orders(seller.id, state=state, before=cursor(request), limit=21)
        rows = [(bought, order) for bought in found for order in bought.orders]
        balances = {one.account: one.amount * -1 for one in await self._settlement.balances(seller.id)}
        return self._pages.respond(
            request,
            "vendor.html",
            seller=seller,
            rows=rows[:20],
            more=rows[19][1].id if len(rows) > 20 else None,
            state=state,
            states=STATES,
            balances=balances,
        )

    async def order_page(self, request: Request) -> Response:
        """GET /vendor/orders/{id}: where it goes, what is in it, what can be done."""
        seller = await self._seller(request)
        bought, order, shipments = await self._shipping.order(seller.id, request.path_params["id"])
        async with self._database.connect() as tx:
            withdrawals = await self._stores.withdrawals.of(tx, [order.id])
        return self._pages.respond(
            request,
            "vendor_order.html",
            seller=seller,
            purchase=bought,
            order=order,
            shipments=shipments,
            withdrawals=withdrawals,
            carriers=list(CARRIERS),
            form_token=self._tokens.issue(person_of(request).session),
            key=self._entropy.token(16),
        )

    async def act_by_form(self, request: Request) -> Response:
        """POST /vendor/orders/{id}: prepare, send, follow: whatever `act` says."""
        return await self._by_form(request, self._act)

    async def answer_by_form(self, request: Request) -> Response:
        """POST /vendor/orders/{id}/returns: two factors, lately, since money goes back."""
        return await self._by_form(request, self._answer)

    async def _by_form(
        self, request: Request, act: Callable[[Person, Seller, UUID, dict[str, str]], Awaitable[None]]
    ) -> Response:
        require_same_origin(request)
        person, seller = person_of(request), await self._seller(request)
        form = await read_form(request)
        self._tokens.check(person.session, form.get(FIELD, ""))
        try:
            await act(person, seller, request.path_params["id"], form)
        except (ValueError, KeyError) as error:
            raise Problem(NOT_UNDERSTOOD) from error
        return see_other(f"/vendor/orders/{request.path_params['id']}")

    async def _act(self, person: Person, seller: Seller, ident: UUID, form: dict[str, str]) -> None:
        act, _, to = form["act"].partition(":")
        if act == "prepare":
            await self._shipping.prepare(person, seller.id, ident)
        elif act == "ship":
            quantities = {
                name.removeprefix("quantity."): int(value or "0")
                for name, value in form.items()
                if name.startswith("quantity.") and int(value or "0")
            }
            carrier, tracking = words_of(form, "carrier", 40), words_of(form, "tracking", 40)
            if not carrier or not quantities or min(quantities.values()) < 0:
                raise Problem(NOT_UNDERSTOOD, "Name the carrier, and choose how many.")
            parcel = Parcel(carrier, tracking, quantities)
            await self._shipping.ship(person, seller.id, ident, parcel, read_key(form.get("key")))
        elif act == "track" and to in ("in_transit", "delivered", "lost"):
            known: ShipmentState = to  # type: ignore[assignment]
            await self._shipping.track(person, seller.id, ident, UUID(form["shipment"]), known)
        else:
            raise ValueError(act)

    async def _answer(self, person: Person, seller: Seller, ident: UUID, form: dict[str, str]) -> None:
        to = form["answer"]
        if to not in ("accepted", "refused", "done"):
            raise ValueError(to)
        answer: CancellationState = to  # type: ignore[assignment]
        await self._withdrawals.answer(person, seller.id, ident, UUID(form["withdrawal"]), answer)

    async def _seller(self, request: Request) -> Seller:
        return await self._sellers.seller_of(person_of(request), request.query_params.get("seller"))

    async def _methods(self, seller: Seller) -> dict[str, Any]:
        async with self._database.connect() as tx:
            terms = (await self._stores.terms.of(tx, [seller.id]))[seller.id]
        return {
            "methods": [
                {
                    "code": one.code,
                    "name": one.name,
                    "days_min": one.days_min,
                    "days_max": one.days_max,
                    "rules": one.rules,
                }
                for one in terms.methods
            ]
        }
