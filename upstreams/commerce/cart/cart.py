"""A cart as a value: how items are put in, changed, and two carts become one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from uuid import UUID

from config.problem import Problem, ProblemType
from upstreams.commerce.ordering.purchase import MAX_LINES, MAX_QUANTITY

CART_FULL = ProblemType(
    "MJ-COM-201",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The cart does not hold that much",
    f"Order up to {MAX_LINES} different things at once, and up to {MAX_QUANTITY} of each.",
)
CART_EMPTY = ProblemType("MJ-COM-202", HTTPStatus.CONFLICT, "The cart is empty", "Put something into the cart first.")


@dataclass(frozen=True, slots=True)
class Cart:
    """How many of each offer somebody means to buy, in the order in which they were put in."""

    id: UUID
    person: UUID | None
    items: Mapping[UUID, int]
    version: int = 0

    def added(self, offer: UUID, quantity: int) -> Cart:
        """With so many more. Raises `CART_FULL`."""
        return self.changed(offer, self.items.get(offer, 0) + quantity)

    def changed(self, offer: UUID, quantity: int) -> Cart:
        """With exactly so many; 0 takes it out. Raises `CART_FULL`."""
        if quantity > MAX_QUANTITY or quantity < 0:
            raise Problem(CART_FULL)
        items = {**self.items, offer: quantity}
        if quantity == 0:
            del items[offer]
        if len(items) > MAX_LINES:
            raise Problem(CART_FULL)
        return replace(self, items=items)


def merged(own: Cart, guest: Cart) -> Cart:
    """A person's cart after they signed in: what either held, summed, as far as a cart goes. It never refuses."""
    items = dict(own.items)
    for offer, quantity in guest.items.items():
        if offer in items or len(items) < MAX_LINES:
            items[offer] = min(items.get(offer, 0) + quantity, MAX_QUANTITY)
    return replace(own, items=items)
