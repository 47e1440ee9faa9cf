"""`/takeover`: the person's session lives elsewhere; they keep that one, or take it over here (S2)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from idp.authorization.next_step import Step
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.login_page import LoginPages, record_attempt


class TakeoverPage:
    """Shows both sessions side by side, and takes the choice. What is chosen is about the session that was shown."""

    def __init__(self, shared: LoginPages) -> None:
        self._shared = shared

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes the choice."""
        if request.method == "POST":
            return await self._choose(request)
        login_id = self._shared.hops.accept(request, Step.TAKEOVER)
        async with self._shared.database.connect() as tx:
            now = self._shared.clock.now()
            login = await self._shared.find(tx, login_id, now)
            live = await self._shared.arrivals.live(tx, login.user_id, now) if login.user_id is not None else None
            due = await self._shared.is_next(tx, request, login, Step.TAKEOVER, now)
        if live is None or not due or login.takeover_of != live.sid:
            return self._shared.hops.to_dispatcher(login)
        return await self._shared.show(
            request,
            login,
            Step.TAKEOVER,
            "takeover.html",
            live=live,
            here=visitor(request, None),
            now=now,
        )

    async def _choose(self, request: Request) -> Response:
        login_id, form = await self._shared.accept_form(request, Step.TAKEOVER)
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            shown = form.get("session", "")
            # an old page, or one about a session that is gone, chooses nothing: the dispatcher asks again
            if shown == login.takeover_of and await self._shared.is_next(tx, request, login, Step.TAKEOVER, now):
                kind = None
                if form.get("choice") == "take_over":
                    login, kind = login.chose_takeover(shown), Kind.TAKEOVER_ATTEMPTED
                elif form.get("choice") == "keep":
                    login, kind = login.chose_keep(), Kind.SIGN_IN_KEPT_OTHER
                if kind is not None:
                    await self._shared.logins.save(tx, login)
                    await record_attempt(tx, request, kind, subject=str(login.user_id), sid=shown)
        return self._shared.hops.to_dispatcher(login)
