"""`/factor/none`: a second factor is due, and there is none that the person could give. They are told whom to ask."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from idp.authorization.next_step import Step
from idp.endpoints.login.login_page import LoginPages


class NoFactorPage:
    """Says what happened, and whom to ask: recovery needs mail, and they have none. Nothing ended or began."""

    def __init__(self, shared: LoginPages) -> None:
        self._shared = shared

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` goes back to the application."""
        if request.method == "POST":
            login_id, _ = await self._shared.accept_form(request, Step.NO_FACTOR)
            return await self._shared.give_up(request, login_id, Step.NO_FACTOR)
        login_id = self._shared.hops.accept(request, Step.NO_FACTOR)
        async with self._shared.database.connect() as tx:
            now = self._shared.clock.now()
            login = await self._shared.find(tx, login_id, now)
            arrived = await self._shared.due(tx, request, login, Step.NO_FACTOR, now)
        if arrived is None:
            return self._shared.hops.to_dispatcher(login)
        return await self._shared.show(request, login, Step.NO_FACTOR, "no_factor.html")
