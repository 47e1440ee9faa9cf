"""Which state follows which, of a purchase, an order of one seller, a shipment, and a cancellation. Pure.

A purchase: received (held, not paid) -> paid | released (nobody paid, or could) | cancelled.
An order: received -> paid -> preparing -> shipping -> completed; cancelled once all of it is, before it went out.
A shipment: shipped -> in_transit -> delivered | lost.
A cancellation before shipping is done at once; a return is requested -> accepted -> done, or refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Literal

from config.problem import Problem, ProblemType

PurchaseState = Literal["received", "paid", "released", "cancelled"]
OrderState = Literal["received", "paid", "preparing", "shipping", "completed", "cancelled"]
ShipmentState = Literal["shipped", "in_transit", "delivered", "lost"]
CancellationState = Literal["requested", "accepted", "refused", "done"]

NOT_NOW = ProblemType(
    "MJ-COM-204",
    HTTPStatus.CONFLICT,
    "This cannot be done any more, or not yet",
    "Load the order again and look at its state.",
)

PURCHASE: Mapping[str, frozenset[str]] = {
    "received": frozenset({"paid", "released", "cancelled"}),
    "paid": frozenset({"cancelled"}),
    "released": frozenset({"paid"}),  # paid too late, and it could be had again
    "cancelled": frozenset(),
}
ORDER: Mapping[str, frozenset[str]] = {
    "received": frozenset({"paid", "cancelled"}),
    "paid": frozenset({"preparing", "shipping", "cancelled"}),
    "preparing": frozenset({"shipping", "cancelled"}),
    "shipping": frozenset({"completed"}),
    "completed": frozenset(),
    "cancelled": frozenset({"paid"}),  # with its purchase, which was paid too late and could be had again
}
SHIPMENT: Mapping[str, frozenset[str]] = {
    "shipped": frozenset({"in_transit", "delivered", "lost"}),
    "in_transit": frozenset({"delivered", "lost"}),
    "delivered": frozenset(),
    "lost": frozenset({"delivered"}),
}
CANCELLATION: Mapping[str, frozenset[str]] = {
    "requested": frozenset({"accepted", "refused"}),
    "accepted": frozenset({"done", "refused"}),
    "refused": frozenset(),
    "done": frozenset(),
}


def require(states: Mapping[str, frozenset[str]], state: str, to: str) -> None:
    """Raises the problem `NOT_NOW` where `to` does not follow from `state`."""
    if to not in states[state]:
        raise Problem(NOT_NOW, f"It is {state}.")


def follows_shipments(
    kept: Sequence[int], shipped: Sequence[int], shipments: Sequence[str], state: str
) -> OrderState | None:
    """What an order becomes after its shipments changed; None where it stays as it is.

    `kept`: how many of each line are not cancelled; `shipped`: how many of each went out; `shipments`: their states.
    """
    if state in ("completed", "cancelled", "received"):
        return None
    whole = all(out >= keep for keep, out in zip(kept, shipped, strict=True))
    if state != "shipping":
        return "shipping" if any(shipped) else None
    if whole and shipments and all(one == "delivered" for one in shipments):
        return "completed"
    return None
