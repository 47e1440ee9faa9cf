"""`/account/session`: the person's one session, the apps in it, and its end."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from idp.clients.connected_app import ConnectedApps
from idp.endpoints.account.door import AccountDoor, record_change
from idp.endpoints.account.letters import Letters
from idp.endpoints.login.arrivals import SESSION_COOKIE
from idp.endpoints.login.login_page import LoginPages
from idp.sessions.one_session import OneSession


class Forgetting(Protocol):
    """Where remembered browsers are forgotten."""

    async def forget_person(self, tx: Transaction, user_id: UUID) -> int:
        """Forget all of a person's. Returns how many."""


class SessionPage:
    """Shows the session, and ends it."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        one_session: OneSession,
        apps: ConnectedApps,
        remembered: Forgetting,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._one_session = one_session
        self._apps = apps
        self._remembered = remembered

    async def __call__(self, request: Request) -> Response:
        """`GET /account/session`."""
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            apps = await self._apps.of(tx, person.account.id, person.session.sid)
        return await self._door.show(
            request,
            person,
            "account_session.html",
            apps=[app for app in apps if app.connected],
            factors=person.enrolled,
        )

    async def end(self, request: Request) -> Response:
        """`POST /account/session/end`: the session ends, here and in every app; `forget`: remembered browsers too."""
        form = await self._door.form(request)
        forgotten = 0
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form, dangerous=False)
            if form.get("forget"):
                forgotten = await self._remembered.forget_person(tx, person.account.id)
            await self._one_session.end(tx, person.session.sid, "sign_out", correlation_id=correlation_id(request))
            details = {"remembered_forgotten": forgotten} if form.get("forget") else {}
            await record_change(tx, request, Kind.SIGN_OUT, person, details=details)
        await self._letters.poke()
        response = self._shared.pages.respond(
            request,
            "account_left.html",
            locale=self._shared.pages.locale(request, ui_locales=person.account.locale),
            forgot=bool(form.get("forget")),
        )
        return without_session(response)


def without_session(response: Response) -> Response:
    """The browser forgets the cookie of a session that is over."""
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return response
