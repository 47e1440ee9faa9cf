"""`/account/history`: the sign-ins of a person, by day; `/account/places`: the places, on a map."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from typing import Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idp.clients.cache import ClientCache
from idp.devices.sign_in_history import GOT_IN, Cursor, Outcome, SignIn, SignInStorage, Told, Visited
from idp.endpoints.account.door import AccountDoor, as_id
from idp.endpoints.login.login_page import LoginPages
from idp.sessions.not_me import NotMe
from pages.locale import Locale

PATH = "/account/history"
ROWS = 20
"""Sign-ins of one page."""
PLACES_OF = timedelta(days=30)
FILTERS: Final[Mapping[str, tuple[Outcome, ...]]] = {
    "signed_in": ("signed_in", "taken_over"),
    "failed": ("failed",),
    "unchanged": ("kept", "abandoned", "refused"),
}
"""What the address may ask for; nothing of the kind shows all."""

_WAYS: Final[Mapping[str, str]] = {
    "pwd": "password",
    "hwk": "passkey",
    "swk": "passkey",
    "otp": "totp",
    "email": "mail",
    "sms": "text",
    "fed": "upstream",
}


@dataclass(frozen=True, slots=True)
class WorldMap:
    """Outlines and the middles of countries, for an equirectangular map of 720 by 288."""

    outline: str
    """The `d` of an SVG path."""
    countries: Mapping[str, tuple[float, float]]
    """Longitude and latitude in degrees, by ISO 3166-1 code."""

    @classmethod
    def load(cls) -> WorldMap:
        """Read what ships beside this module; it names its source."""
        read = json.loads((Path(__file__).parent / "world.json").read_text(encoding="utf-8"))
        return cls(read["outline"], {code: (at[0], at[1]) for code, at in read["countries"].items()})

    def points(self, visited: Collection[Visited]) -> list[Point]:
        """One point for each country; places without one (a local network) are in the list alone."""
        return [
            Point(
                round((self.countries[place.place][0] + 180) * 2, 1),
                round((84 - self.countries[place.place][1]) * 2, 1),
                radius(place.sign_ins + place.attempts),
                place,
            )
            for place in visited
            if place.place in self.countries
        ]


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the map."""

    x: float
    y: float
    radius: float
    visited: Visited


class HistoryPage:
    """Shows sign-ins and places, and leads on whoever does not recognise one."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        history: SignInStorage,
        clients: ClientCache,
        not_me: NotMe,
    ) -> None:
        self._shared = shared
        self._door = door
        self._history = history
        self._clients = clients
        self._not_me = not_me
        self._world = WorldMap.load()

    async def __call__(self, request: Request) -> Response:
        """`GET /account/history?outcome=&before=`."""
        wanted = request.query_params.get("outcome", "")
        chosen = wanted if wanted in FILTERS else ""
        before = read_cursor(request.query_params.get("before"))
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            rows = await self._history.page(
                tx, person.account.id, outcomes=FILTERS.get(chosen, ()), before=before, limit=ROWS + 1
            )
        shown = rows[:ROWS]
        locale = self._shared.pages.locale(request, ui_locales=person.account.locale)
        apps = {name: await self._app(name, locale) for name in {row.sign_in.client_id for row in shown}}
        older = (
            urlencode({**({"outcome": chosen} if chosen else {}), "before": cursor_of(shown[-1].sign_in)})
            if len(rows) > ROWS
            else ""
        )
        return await self._door.show(
            request,
            person,
            "account_history.html",
            days=by_day(shown, person.zone, locale),
            apps=apps,
            ways=ways,
            filters=("", *FILTERS),
            chosen=chosen,
            paged=before is not None,
            older=older,
        )

    async def places(self, request: Request) -> Response:
        """`GET /account/places`."""
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            visited = await self._history.places(tx, person.account.id, self._shared.clock.now() - PLACES_OF)
        return await self._door.show(
            request,
            person,
            "account_places.html",
            visited=visited,
            outline=self._world.outline,
            points=self._world.points(visited),
        )

    async def ask_not_me(self, request: Request) -> Response:
        """`GET /account/history/not-me?id=`: what "this wasn't me" means for one sign-in, before anything is done."""
        ident = as_id(request.query_params.get("id"))
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            found = await self._history.find(tx, person.account.id, ident) if ident is not None else None
        if found is None:
            return RedirectResponse(PATH, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
        return await self._door.show(
            request, person, "account_not_me.html", told=found, got_in=found.sign_in.outcome in GOT_IN
        )

    async def not_me(self, request: Request) -> Response:
        """`POST /account/history/not-me`: on to the page that locks the account, by a link of its own."""
        form = await self._door.form(request)
        ident = as_id(form.get("id"))
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form, dangerous=False)
            found = await self._history.find(tx, person.account.id, ident) if ident is not None else None
            if found is None:
                return RedirectResponse(PATH, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
            sign_in = found.sign_in
            address = await self._not_me.link(
                tx, person.account.id, sign_in.sid, self._shared.clock.now(), told=told_facts(sign_in)
            )
        return RedirectResponse(address, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})

    async def _app(self, client_id: str, locale: Locale) -> str:
        client = await self._clients.find(client_id) if client_id else None
        return client.name.get(locale, client_id) if client is not None else client_id


def told_facts(sign_in: SignIn) -> dict[str, str]:
    """Who, when and where, as a link of "this wasn't me" has it."""
    return {
        "device": sign_in.device_label,
        "browser": sign_in.browser,
        "place": sign_in.place,
        "at": sign_in.at.isoformat(),
    }


@dataclass(frozen=True, slots=True)
class Row:
    """A sign-in with its time of day."""

    told: Told
    at: str


def by_day(rows: Collection[Told], zone: str, locale: Locale) -> list[tuple[str, list[Row]]]:
    """The rows of each day on the person's clock, in the order that they have."""
    clock = ZoneInfo(zone)
    day, hour = ("y년 M월 d일 EEEE", "B h:mm") if locale == "ko" else ("EEEE, d MMMM y", "HH:mm")
    days = groupby(rows, key=lambda row: row.sign_in.at.astimezone(clock).date())
    return [
        (
            format_date(date, day, locale=locale),
            [Row(row, format_time(row.sign_in.at.astimezone(clock), hour, locale=locale)) for row in theirs],
        )
        for date, theirs in days
    ]


def ways(amr: Collection[str]) -> list[str]:
    """How a person proved who they are, in the words that the pages have for it (RFC 8176)."""
    return list(dict.fromkeys(_WAYS[method] for method in amr if method in _WAYS))


def radius(count: int) -> float:
    """Of a point: its area grows with the count, up to 100."""
    return round(4 + math.sqrt(min(count, 100)), 1)


def cursor_of(sign_in: SignIn) -> str:
    """Where a page ended, for the address of the next one: microseconds, and the id."""
    return f"{round(sign_in.at.timestamp() * 1_000_000)}.{sign_in.id.hex}"


def read_cursor(text: str | None) -> Cursor | None:
    """A cursor of an address; `None` for what we did not write there: the first page."""
    moment, _, ident = (text or "").partition(".")
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 17):
        return None
    try:
        return Cursor(datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(moment)), UUID(hex=ident))
    except (ValueError, OverflowError):
        return None
