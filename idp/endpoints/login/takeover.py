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
            arrived = await self._shared.due(tx, request, login, Step.TAKEOVER, now)
        if arrived is None or arrived.live is None or login.takeover_of != arrived.live.sid:
            return self._shared.hops.to_dispatcher(login)
        return await self._shared.show(
            request,
            login,
            Step.TAKEOVER,
            "takeover.html",
            live=arrived.live,
            here=visitor(request, arrived.known.device_id),
            overtaken=login.overtaken,
            now=now,
        )

    async def _choose(self, request: Request) -> Response:
        login_id, form = await self._shared.accept_form(request, Step.TAKEOVER)
        shown, choice = form.get("session", ""), form.get("choice")
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            arrived = await self._shared.due(tx, request, login, Step.TAKEOVER, now)
            # an old page, or one about a session that is gone, chooses nothing: the dispatcher asks again
            if arrived is not None and shown == login.takeover_of and choice in ("take_over", "keep"):
                if choice == "take_over":
                    login, kind = login.chose_takeover(shown), Kind.TAKEOVER_ATTEMPTED
                else:
                    login, kind = login.chose_keep(), Kind.SIGN_IN_KEPT_OTHER
                    login = await self._shared.telling.attempt(tx, request, login, arrived, "kept", now)
                    here = visitor(request, arrived.known.device_id)
                    await self._shared.telling.history.note(
                        tx, arrived.known.user_id, "kept", here, amr=login.amr, client_id=login.client_id
                    )
                await self._shared.logins.save(tx, login)
                await record_attempt(tx, request, kind, subject=str(login.user_id), sid=shown)
        await self._shared.telling.poke()
        return self._shared.hops.to_dispatcher(login)
