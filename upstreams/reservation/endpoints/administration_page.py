"""The page of administrators: requests that could not be decided, and money of which nobody knows what became."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from config.connections import Database
from config.problem import Problem
from upstreams.door.administrators import administrator_of
from upstreams.door.answers import NOT_UNDERSTOOD
from upstreams.door.forms import FormTokens
from upstreams.door.words import PersonPages
from upstreams.reservation.endpoints.administration import BASE
from upstreams.reservation.paying.desk import PaymentDesk
from upstreams.reservation.stores import Stores

AT_ONCE = 20
"""Dead letters on one page."""


class AdministrationPage:
    """Looks; what is tried again goes to the endpoints beside it."""

    def __init__(
        self, database: Database, stores: Stores, payments: PaymentDesk, pages: PersonPages, tokens: FormTokens
    ) -> None:
        self._database = database
        self._stores = stores
        self._payments = payments
        self._pages = pages
        self._tokens = tokens

    def routes(self) -> list[BaseRoute]:
        return [Route(BASE, self.show, methods=["GET"])]

    async def show(self, request: Request) -> Response:
        """GET /reservations/administration: what a person has to look at; `before` leads on through dead letters."""
        who = administrator_of(request)
        before = request.query_params.get("before", "")
        if before and not (before.isascii() and before.isdigit() and len(before) <= 18):
            raise Problem(NOT_UNDERSTOOD, "A dead letter has a number.")
        async with self._database.connect() as tx:
            letters = await self._stores.dead_letters.list(
                tx, before=int(before) if before else None, limit=AT_ONCE + 1
            )
        payments, refunds = await self._payments.stuck()
        return self._pages.respond(
            request,
            "administration.html",
            letters=letters[:AT_ONCE],
            more=len(letters) > AT_ONCE,
            paged=bool(before),
            payments=payments,
            refunds=refunds,
            base=BASE,
            form_token=self._tokens.issue(who.session),
        )
