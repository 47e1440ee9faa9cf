"""The page on which a script of the payment provider opens its window, where the provider has no page of its own.

Somebody else's script runs here and nowhere else: this page alone has a policy that lets it, and shows nothing but what
is to be paid. What the window says is not believed: it leads to `…/payments/back`, and the provider is asked.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from upstreams.door.answers import see_other
from upstreams.door.person import person_of
from upstreams.door.words import PersonPages
from upstreams.reservation.paying.desk import PaymentDesk


class PaymentWindow:
    """Shows the page."""

    def __init__(self, desk: PaymentDesk, pages: PersonPages) -> None:
        self._desk = desk
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        return [Route("/reservations/{id:uuid}/payments/window", self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """GET /reservations/{id}/payments/window: of a payment that was begun; else the reservation tells how it is."""
        ident = request.path_params["id"]
        begun = await self._desk.begun(person_of(request), ident)
        if begun is None or begun[1].script is None:
            return see_other(f"/reservations/{ident}")
        payment, checkout = begun
        return self._pages.respond(
            request,
            "payment_window.html",
            payment=payment,
            script=checkout.script,
            window=checkout.origins,
        )
