"""`/account/notices` and `/account/language`: what a person is told, in which language, by which clock."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from idp.directory.preferences import ALWAYS, NoticeSetting, Preferences, time_zones
from idp.endpoints.account.door import AccountDoor, back, record_change
from idp.endpoints.login.login_page import LoginPages
from pages.locale import COOKIE, LOCALES

NOTICES = "/account/notices"
LANGUAGE = "/account/language"
COOKIE_AGE = 365 * 86400
"""Seconds that a browser keeps the language."""


class NoticesPage:
    """Shows what comes, and takes what a person may choose."""

    def __init__(self, shared: LoginPages, *, door: AccountDoor, preferences: Preferences) -> None:
        self._shared = shared
        self._door = door
        self._preferences = preferences

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` keeps: whoever turns a notice off must be the person, so this counts as dangerous."""
        if request.method == "POST":
            return await self._keep(request)
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            settings = await self._preferences.notice_settings(tx, person.account.id)
        return await self._door.show(
            request,
            person,
            "account_notices.html",
            settings=settings,
            always=ALWAYS,
            done=request.query_params.get("done"),
        )

    async def _keep(self, request: Request) -> Response:
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            for setting in await self._preferences.notice_settings(tx, person.account.id):
                chosen = NoticeSetting(setting.kind, setting.channel, f"{setting.channel}.{setting.kind}" in form)
                if chosen != setting and await self._preferences.choose(
                    tx, person.account.id, chosen, self._shared.clock.now()
                ):
                    details = {"notice": chosen.kind.value, "channel": chosen.channel, "wanted": chosen.wanted}
                    await record_change(tx, request, Kind.PREFERENCES_CHANGED, person, details=details)
        return back(NOTICES, done="kept")


class LanguagePage:
    """Shows language and time zone, and takes a choice."""

    def __init__(self, shared: LoginPages, *, door: AccountDoor, preferences: Preferences) -> None:
        self._shared = shared
        self._door = door
        self._preferences = preferences
        self._zones = time_zones()

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` keeps."""
        return await self._keep(request) if request.method == "POST" else await self._show(request)

    async def _show(self, request: Request, fault: str | None = None) -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            own = await self._preferences.own_time_zone(tx, person.account.id)
        return await self._door.show(
            request,
            person,
            "account_language.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
            chosen_zone=own,
            zones=self._zones,
            locales=LOCALES,
            fault=fault,
            done=request.query_params.get("done"),
        )

    async def _keep(self, request: Request) -> Response:
        form = await self._door.form(request)
        locale, zone = form.get("language", ""), form.get("time_zone", "")
        if locale not in LOCALES or (zone and zone not in self._zones):
            async with self._shared.database.connect() as tx:
                await self._door.sender(tx, request, form)
            return await self._show(request, "unknown")
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form, dangerous=False)
            if await self._preferences.speak(tx, person.account.id, locale, zone or None, self._shared.clock.now()):
                details = {"language": locale, "time_zone": zone}
                await record_change(tx, request, Kind.PREFERENCES_CHANGED, person, details=details)
        answer = back(LANGUAGE, done="kept")
        answer.set_cookie(COOKIE, locale, max_age=COOKIE_AGE, samesite="lax", secure=True, httponly=True)
        return answer
