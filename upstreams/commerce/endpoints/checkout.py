"""From the cart to an order, page by page, without a script: order form, review, order.

What the form asked stands in the review as hidden fields, so that nothing of it is kept before it is ordered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.entropy import Entropy
from config.problem import Problem
from jose.assertion_middleware import assertion_of
from upstreams.commerce.cart.cart import CART_EMPTY
from upstreams.commerce.cart.desk import CartDesk, Seen
from upstreams.commerce.cart.guest import GuestCookie
from upstreams.commerce.endpoints.asked import AskedDestination
from upstreams.commerce.ordering.placing import Checkout
from upstreams.commerce.ordering.planning import Choices
from upstreams.commerce.ordering.purchase import PayingMethod, Wanted, wanted_of
from upstreams.commerce.paying.desk import PROVIDER_AWAY, PaymentDesk
from upstreams.door.answers import NOT_UNDERSTOOD, read_form, see_other
from upstreams.door.forms import FIELD, FormTokens, require_same_origin
from upstreams.door.person import Person, person_of
from upstreams.door.words import PersonPages
from upstreams.trade.idempotency import read_key

FIELDS = ("recipient", "phone", "postcode", "address", "detail")


@dataclass(frozen=True, slots=True)
class Filled:
    """The order form as it was sent: the choices, and the fields that are wrong."""

    choices: Choices
    postcode: str
    wrong: tuple[str, ...]


class CheckoutPages:
    """The pages of the order form and of the review."""

    def __init__(
        self,
        carts: CartDesk,
        checkout: Checkout,
        payments: PaymentDesk,
        guests: GuestCookie,
        pages: PersonPages,
        tokens: FormTokens,
        entropy: Entropy,
    ) -> None:
        self._carts = carts
        self._checkout = checkout
        self._payments = payments
        self._guests = guests
        self._pages = pages
        self._tokens = tokens
        self._entropy = entropy

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/checkout", self.form, methods=["GET"]),
            Route("/checkout/review", self.review, methods=["POST"]),
            Route("/checkout/place", self.place, methods=["POST"]),
        ]

    async def form(self, request: Request) -> Response:
        """GET /checkout: where to, how of each seller, how it is paid."""
        person, guest = person_of(request), self._guests.read(request)
        seen = await self._carts.seen(person, guest)
        if not seen.orderable:
            return see_other("/cart")
        answer = self._form(request, person, seen, {})
        if guest is not None:
            self._guests.take(answer)
        return answer

    async def review(self, request: Request) -> Response:
        """POST /checkout/review: everything once more, and that deliveries are separate."""
        person, form = await self._sent(request)
        filled = _read(form)
        seen = await self._carts.seen(person, None, filled.choices, filled.postcode)
        if not seen.orderable:
            return see_other("/cart")
        wrong = _lacking(seen, filled)
        if wrong or form.get("act") == "back":
            return self._form(request, person, seen, form, wrong)
        assert seen.quote is not None
        return self._pages.respond(
            request,
            "review.html",
            seen=seen,
            quote=seen.quote,
            form=form,
            destination=filled.choices.destination,
            kept=[(name, value) for name, value in form.items() if name in FIELDS or name.startswith("method.")],
            paying=filled.choices.paying,
            form_token=self._tokens.issue(person.session),
            key=self._entropy.token(16),
            form_action=self._payments.pages,
        )

    async def place(self, request: Request) -> Response:
        """POST /checkout/place: the order; then to the provider's page, or to the order where a transfer is awaited."""
        person, form = await self._sent(request)
        filled = _read(form)
        seen = await self._carts.seen(person, None, filled.choices, filled.postcode)
        key = read_key(form.get("key"))
        wanted = _wanted(form) or Wanted(dict(seen.cart.items))
        if not wanted:
            raise Problem(CART_EMPTY)
        try:
            agreed = int(form.get("agreed", ""))
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD) from error
        locale = assertion_of(request).subject.locale
        choices = Choices(
            filled.choices.methods,
            filled.choices.destination,
            filled.choices.paying,
            agreed,
            "en" if locale == "en" else "ko",
        )
        bought = await self._checkout.place(person, wanted, key, choices, collected=False)
        if choices.paying == "transfer" or not bought.total.minor:
            return see_other(f"/orders/{bought.id}")
        try:
            _, led = await self._payments.begin(person, bought.id)
        except Problem as problem:
            if problem.kind is not PROVIDER_AWAY:
                raise
            return see_other(f"/orders/{bought.id}?{urlencode({'provider': 'away'})}")
        return see_other(led.url or f"/orders/{bought.id}")

    def _form(
        self, request: Request, person: Person, seen: Seen, form: dict[str, str], wrong: tuple[str, ...] = ()
    ) -> Response:
        return self._pages.respond(
            request,
            "checkout.html",
            status=422 if wrong else 200,
            seen=seen,
            quote=seen.quote,
            form=form,
            wrong=wrong,
            ways=get_args(PayingMethod),
            name=person.name,
            form_token=self._tokens.issue(person.session),
        )

    async def _sent(self, request: Request) -> tuple[Person, dict[str, str]]:
        require_same_origin(request)
        person = person_of(request)
        form = await read_form(request)
        self._tokens.check(person.session, form.get(FIELD, ""))
        return person, form


def _read(form: dict[str, str]) -> Filled:
    """The choices of a form, as far as they can be read."""
    wrong: list[str] = []
    phone = _international(form.get("phone", ""))
    values = {name: " ".join(form.get(name, "").split()) for name in FIELDS} | {"phone": phone}
    destination = None
    if any(values[name] for name in ("recipient", "postcode", "address")):
        for name in FIELDS:
            try:
                msgspec.convert({**_GOOD, name: values[name]}, AskedDestination)
            except msgspec.ValidationError:
                wrong.append(name)
        if not wrong:
            destination = msgspec.convert(values, AskedDestination).destination()
    try:
        methods = {
            UUID(name.removeprefix("method.")): code for name, code in form.items() if name.startswith("method.")
        }
        paying = msgspec.convert(form.get("paying", "card"), PayingMethod)
    except (ValueError, msgspec.ValidationError) as error:
        raise Problem(NOT_UNDERSTOOD) from error
    postcode = values["postcode"] if "postcode" not in wrong else ""
    return Filled(Choices(methods, destination, paying), postcode, tuple(wrong))


_GOOD = {"recipient": "x", "postcode": "00000", "address": "x", "detail": "", "phone": ""}


def _lacking(seen: Seen, filled: Filled) -> tuple[str, ...]:
    """The fields that are wrong, or are missing for a delivery to an address."""
    assert seen.quote is not None
    addressed = any(part.chosen.method.needs_address for part in seen.quote.parts)
    if filled.wrong:
        return filled.wrong
    if addressed and filled.choices.destination is None:
        return ("recipient", "postcode", "address")
    return ()


def _wanted(form: dict[str, str]) -> Wanted | None:
    """What the review showed: `item.<offer>`. Raises `NOT_UNDERSTOOD`."""
    items = [(name.removeprefix("item."), value) for name, value in form.items() if name.startswith("item.")]
    try:
        return wanted_of([(UUID(offer), int(quantity)) for offer, quantity in items]) if items else None
    except ValueError as error:
        raise Problem(NOT_UNDERSTOOD) from error


def _international(phone: str) -> str:
    """A number as E.164: Korean ones are usually written without their country."""
    digits = "".join(one for one in phone if one.isdigit() or one == "+")
    return f"+82{digits[1:]}" if digits.startswith("0") else digits
