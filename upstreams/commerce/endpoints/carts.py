"""Carts on the web: of whoever is signed in, and of guests."""

from __future__ import annotations

import re
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.entity_tags import match
from config.entropy import Entropy
from config.problem import Problem, ProblemType
from jose.assertion_middleware import assertion_of
from upstreams.commerce.cart.cart import Cart
from upstreams.commerce.cart.desk import CartDesk
from upstreams.commerce.cart.guest import GuestCookie
from upstreams.commerce.endpoints import documents
from upstreams.commerce.endpoints.asked import AskedItem, AskedQuantity, visitor_of
from upstreams.commerce.ordering.purchase import MAX_QUANTITY
from upstreams.door.answers import NOT_UNDERSTOOD, json_answer, read_form, read_json, see_other
from upstreams.door.forms import FIELD, FormTokens, require_same_origin
from upstreams.door.person import Person
from upstreams.door.words import PersonPages
from upstreams.trade.idempotency import HEADER, read_key

CHANGED_MEANWHILE = ProblemType(
    "MJ-COM-206",
    HTTPStatus.PRECONDITION_FAILED,
    "It was changed meanwhile",
    "Read it again, and decide by what is there now.",
)
_POSTCODE = re.compile("([0-9]{5})?")


class CartEndpoints:
    """The endpoints of carts."""

    def __init__(
        self, desk: CartDesk, guests: GuestCookie, pages: PersonPages, tokens: FormTokens, entropy: Entropy
    ) -> None:
        self._desk = desk
        self._guests = guests
        self._pages = pages
        self._tokens = tokens
        self._entropy = entropy

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/cart", self.look, methods=["GET"]),
            Route("/api/cart/items", self.add, methods=["POST"]),
            Route("/api/cart/items/{offer:uuid}", self.change, methods=["PUT"]),
            Route("/cart", self.page, methods=["GET"]),
            Route("/cart", self.change_by_form, methods=["POST"]),
            Route("/cart/items", self.add_by_form, methods=["POST"]),
        ]

    async def look(self, request: Request) -> Response:
        """GET /api/cart: what is in it, what it would cost, how each seller delivers."""
        person, guest = self._whose(request)
        postcode = request.query_params.get("postcode", "")
        if not _POSTCODE.fullmatch(postcode):
            raise Problem(NOT_UNDERSTOOD, "postcode has five digits.")
        seen = await self._desk.seen(person, guest, postcode=postcode)
        answer = json_answer(request, documents.cart(seen), headers={"ETag": _tag(seen.cart)})
        return self._kept(answer, person, guest, None)

    async def add(self, request: Request) -> Response:
        """POST /api/cart/items: so many more of an offer."""
        require_same_origin(request)
        key = read_key(request.headers.get(HEADER))
        asked = await read_json(request, AskedItem)
        person, guest = self._whose(request)
        cart = await self._desk.add(person, guest, asked.offer, asked.quantity, key)
        seen = await self._desk.seen(person, None if person else cart.id)
        answer = json_answer(
            request, documents.cart(seen), status=HTTPStatus.CREATED, headers={"ETag": _tag(seen.cart)}
        )
        return self._kept(answer, person, guest, cart)

    async def change(self, request: Request) -> Response:
        """PUT /api/cart/items/{offer}: exactly so many; with If-Match of the cart as it was read."""
        require_same_origin(request)
        asked = await read_json(request, AskedQuantity)
        person, guest = self._whose(request)

        def check(cart: Cart) -> None:
            if match(request, _tag(cart)) == "other":
                raise Problem(CHANGED_MEANWHILE, headers={"ETag": _tag(cart)})

        wanted = {request.path_params["offer"]: asked.quantity}
        cart = await self._desk.change(person, guest, wanted, check=check)
        seen = await self._desk.seen(person, None if person else cart.id)
        answer = json_answer(request, documents.cart(seen), headers={"ETag": _tag(seen.cart)})
        return self._kept(answer, person, guest, cart)

    async def page(self, request: Request) -> Response:
        """GET /cart."""
        person, guest = self._whose(request)
        seen = await self._desk.seen(person, guest)
        answer = self._pages.respond(
            request,
            "cart.html",
            seen=seen,
            most=MAX_QUANTITY,
            signed_in=person is not None,
            form_token=self._tokens.issue(_session(request)),
        )
        return self._kept(answer, person, guest, None)

    async def add_by_form(self, request: Request) -> Response:
        """POST /cart/items: the button of a product, without a script."""
        form = await self._form(request)
        person, guest = self._whose(request)
        try:
            offer, quantity = UUID(form.get("offer", "")), int(form.get("quantity") or "1")
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD) from error
        if not 1 <= quantity <= MAX_QUANTITY:
            raise Problem(NOT_UNDERSTOOD, f"A quantity is 1 to {MAX_QUANTITY}.")
        cart = await self._desk.add(person, guest, offer, quantity, read_key(form.get("key")))
        return self._kept(see_other("/cart"), person, guest, cart)

    async def change_by_form(self, request: Request) -> Response:
        """POST /cart: quantities of the cart's page; a button `remove` takes one out."""
        form = await self._form(request)
        person, guest = self._whose(request)
        try:
            wanted = {
                UUID(name.removeprefix("quantity.")): int(value or "0")
                for name, value in form.items()
                if name.startswith("quantity.")
            }
            if form.get("remove"):
                wanted[UUID(form["remove"])] = 0
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD) from error
        cart = await self._desk.change(person, guest, wanted)
        return self._kept(see_other("/cart"), person, guest, cart)

    async def _form(self, request: Request) -> dict[str, str]:
        require_same_origin(request)
        form = await read_form(request)
        self._tokens.check(_session(request), form.get(FIELD, ""))
        return form

    def _whose(self, request: Request) -> tuple[Person | None, UUID | None]:
        return visitor_of(request), self._guests.read(request)

    def _kept(self, answer: Response, person: Person | None, guest: UUID | None, cart: Cart | None) -> Response:
        """The cookie of a guest's cart is set; of one that became a person's it is taken."""
        if person is not None and guest is not None:
            self._guests.take(answer)
        elif person is None and cart is not None and cart.id != guest:
            self._guests.put(answer, cart.id)
        return answer


def _session(request: Request) -> str:
    """What a form's token is bound to: the session, or that there is none."""
    return assertion_of(request).subject.sid or "guest"


def _tag(cart: Cart) -> str:
    return f'"{cart.version}"'
