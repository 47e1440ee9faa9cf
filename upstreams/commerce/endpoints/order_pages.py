"""The pages of orders: the confirmation, where they are followed afterwards, the list, cancelling, sending back."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Database, Transaction
from config.entropy import Entropy
from config.problem import Problem
from upstreams.commerce.endpoints.asked import cursor, words_of
from upstreams.commerce.ordering.purchase import NO_SUCH_ORDER, Purchase, SellerOrder
from upstreams.commerce.ordering.withdrawal import RETURN_WITHIN
from upstreams.commerce.ordering.withdrawing import WithdrawalDesk
from upstreams.commerce.paying.desk import PROVIDER_AWAY, PaymentDesk
from upstreams.commerce.stores import Stores
from upstreams.door.answers import NOT_UNDERSTOOD, read_form, see_other
from upstreams.door.forms import FIELD, FormTokens, require_same_origin
from upstreams.door.person import Person, person_of
from upstreams.door.words import PersonPages
from upstreams.trade.idempotency import read_key
from upstreams.trade.money import Money

AT_ONCE = 20
"""Orders of one page of the list."""


class OrderPages:
    """The pages of orders."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        payments: PaymentDesk,
        withdrawals: WithdrawalDesk,
        pages: PersonPages,
        tokens: FormTokens,
        entropy: Entropy,
        account: str,
    ) -> None:
        """`account`: where transfers go, as people read it."""
        self._database = database
        self._stores = stores
        self._payments = payments
        self._withdrawals = withdrawals
        self._pages = pages
        self._tokens = tokens
        self._entropy = entropy
        self._account = account

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/orders", self.mine, methods=["GET"]),
            Route("/orders/{id:uuid}", self.one, methods=["GET"]),
            Route("/orders/{id:uuid}/pay", self.pay, methods=["POST"]),
            Route("/orders/{id:uuid}/abandon", self.abandon, methods=["POST"]),
            Route("/orders/{id:uuid}/feedback", self.say, methods=["POST"]),
            Route("/orders/{id:uuid}/cancel/{part:uuid}", self.cancelling, methods=["GET"]),
            Route("/orders/{id:uuid}/cancel", self.cancel, methods=["POST"]),
            Route("/orders/{id:uuid}/return/{part:uuid}", self.returning, methods=["GET"]),
            Route("/orders/{id:uuid}/return", self.send_back, methods=["POST"]),
        ]

    async def mine(self, request: Request) -> Response:
        """GET /orders: what this person bought."""
        async with self._database.connect() as tx:
            found = await self._stores.purchases.of(
                tx, person_of(request).id, limit=AT_ONCE + 1, before=cursor(request)
            )
        more = found[AT_ONCE - 1].id if len(found) > AT_ONCE else None
        return self._pages.respond(request, "orders.html", purchases=found[:AT_ONCE], more=more)

    async def one(self, request: Request) -> Response:
        """GET /orders/{id}: its state, its parcels one by one, what can be done."""
        person = person_of(request)
        async with self._database.connect() as tx:
            bought = await self._find(tx, request, person)
            standing = await self._payments.standing(tx, bought)
            orders = [order.id for order in bought.orders]
            shipments = await self._stores.shipments.of(tx, orders)
            withdrawals = await self._stores.withdrawals.of(tx, orders)
            said = await self._stores.withdrawals.said(tx, orders)
            terms = await self._stores.terms.of(tx, [order.seller for order in bought.orders])
            invoices = await self._stores.ledger.invoices(tx, orders)
        names = {
            (order.seller, method.code): method.name
            for order in bought.orders
            for method in terms[order.seller].methods
        }
        return self._pages.respond(
            request,
            "order.html",
            purchase=bought,
            standing=standing,
            shipments=shipments,
            withdrawals=withdrawals,
            feedback=said,
            invoices=invoices,
            methods=names,
            money=lambda minor: Money(minor, bought.total.currency),
            account=self._account,
            away=request.query_params.get("provider") == "away",
            return_days=RETURN_WITHIN.days,
            form_token=self._tokens.issue(person.session),
            form_action=self._payments.pages,  # where the form that begins a payment ends up
        )

    async def pay(self, request: Request) -> Response:
        """POST /orders/{id}/pay: to the provider's page."""
        person, _ = await self._sent(request)
        ident = request.path_params["id"]
        _, checkout = await self._payments.begin(person, ident)
        if not checkout.url:
            raise Problem(PROVIDER_AWAY, private="its page is opened by a script")
        return see_other(checkout.url)

    async def abandon(self, request: Request) -> Response:
        """POST /orders/{id}/abandon: give up an order that is not paid."""
        person, _ = await self._sent(request)
        await self._withdrawals.abandon(person, request.path_params["id"])
        return see_other(f"/orders/{request.path_params['id']}")

    async def say(self, request: Request) -> Response:
        """POST /orders/{id}/feedback."""
        person, form = await self._sent(request)
        try:
            part, stars = UUID(form.get("part", "")), int(form.get("stars", ""))
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD) from error
        words = words_of(form, "words", 1000)
        if not 1 <= stars <= 5:
            raise Problem(NOT_UNDERSTOOD)
        await self._withdrawals.say(person, request.path_params["id"], part, stars, words)
        return see_other(f"/orders/{request.path_params['id']}")

    async def cancelling(self, request: Request) -> Response:
        """GET /orders/{id}/cancel/{part}: what of it is cancelled."""
        bought, order = await self._part(request)
        left = {line.taken.sku: 0 for line in order.lines}
        for line in order.lines:
            left[line.taken.sku] += line.to_ship
        return self._choosing(request, "cancel", bought, order, left)

    async def cancel(self, request: Request) -> Response:
        """POST /orders/{id}/cancel: two factors, lately."""
        person, form = await self._sent(request)
        part, wanted = _chosen(form)
        ident, reason = request.path_params["id"], words_of(form, "reason", 500)
        await self._withdrawals.cancel(person, ident, part, wanted, reason, read_key(form.get("key")))
        return see_other(f"/orders/{ident}")

    async def returning(self, request: Request) -> Response:
        """GET /orders/{id}/return/{part}: what of it is sent back."""
        bought, order = await self._part(request)
        async with self._database.connect() as tx:
            shipments = await self._stores.shipments.of(tx, [order.id])
        left = {line.taken.sku: -line.returned for line in order.lines}
        for shipment in shipments:
            for line in shipment.lines if shipment.state == "delivered" else ():
                left[line.sku] += line.quantity
        return self._choosing(request, "return", bought, order, left)

    async def send_back(self, request: Request) -> Response:
        """POST /orders/{id}/return."""
        person, form = await self._sent(request)
        part, wanted = _chosen(form)
        ident, reason = request.path_params["id"], words_of(form, "reason", 500)
        await self._withdrawals.send_back(person, ident, part, wanted, reason, read_key(form.get("key")))
        return see_other(f"/orders/{ident}")

    def _choosing(
        self, request: Request, act: str, bought: Purchase, order: SellerOrder, left: Mapping[str, int]
    ) -> Response:
        names = {line.taken.sku: (line.name, line.unit_price) for line in order.lines}
        return self._pages.respond(
            request,
            "withdraw.html",
            act=act,
            purchase=bought,
            order=order,
            left=[(sku, *names[sku], count) for sku, count in left.items() if count > 0],
            form_token=self._tokens.issue(person_of(request).session),
            key=self._entropy.token(16),
        )

    async def _part(self, request: Request) -> tuple[Purchase, SellerOrder]:
        async with self._database.connect() as tx:
            bought = await self._find(tx, request, person_of(request))
        order = bought.of(request.path_params["part"])
        if order is None:
            raise Problem(NO_SUCH_ORDER)
        return bought, order

    async def _find(self, tx: Transaction, request: Request, person: Person) -> Purchase:
        bought = await self._stores.purchases.find(tx, request.path_params["id"], person.id)
        if bought is None:
            raise Problem(NO_SUCH_ORDER)
        return bought

    async def _sent(self, request: Request) -> tuple[Person, dict[str, str]]:
        require_same_origin(request)
        person = person_of(request)
        form = await read_form(request)
        self._tokens.check(person.session, form.get(FIELD, ""))
        return person, form


def _chosen(form: Mapping[str, str]) -> tuple[UUID, dict[str, int]]:
    """The part of an order, and so many of each thing. Raises `NOT_UNDERSTOOD`."""
    try:
        part = UUID(form.get("part", ""))
        wanted = {
            name.removeprefix("quantity."): int(value or "0")
            for name, value in form.items()
            if name.startswith("quantity.")
        }
    except ValueError as error:
        raise Problem(NOT_UNDERSTOOD) from error
    wanted = {sku: count for sku, count in wanted.items() if count}
    if not wanted or min(wanted.values()) < 0:
        raise Problem(NOT_UNDERSTOOD, "Choose how many.")
    return part, wanted
