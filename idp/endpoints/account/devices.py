"""`/account/devices`: the browsers that a person signed in with, what they call them, and how one is forgotten."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from idp.devices.device import Device, OwnDevices
from idp.devices.identification import DEVICE_COOKIE
from idp.devices.sign_in_history import SignInStorage
from idp.endpoints.account.door import AccountDoor, PeopleLocked, Person, as_id, back, record_change
from idp.endpoints.account.letters import Letters
from idp.endpoints.account.overview import RememberedBrowsers
from idp.endpoints.account.session import without_session
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.login_page import LoginPages
from idp.sessions.one_session import OneSession
from idp.sessions.signals.changes import ChangeSignals

NAME_LONGEST = 64
PATH = "/account/devices"
Fault = Literal["not_found", "already_forgotten"]


class DevicesPage:
    """The list, one device, and the acts on it."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        devices: OwnDevices,
        people: PeopleLocked,
        remembered: RememberedBrowsers,
        history: SignInStorage,
        one_session: OneSession,
        signals: ChangeSignals,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._devices = devices
        self._people = people
        self._remembered = remembered
        self._history = history
        self._one_session = one_session
        self._signals = signals

    async def __call__(self, request: Request) -> Response:
        """`GET /account/devices`."""
        return await self._list(request)

    async def one(self, request: Request) -> Response:
        """`GET /account/devices/one?id=`: a device, its name, and the way to its removal."""
        return await self._show(request, "account_device.html")

    async def rename(self, request: Request) -> Response:
        """`POST /account/devices/rename`. An empty name gives the browser's own back."""
        form = await self._door.form(request)
        name = " ".join("".join(filter(str.isprintable, form.get("name", ""))).split())[:NAME_LONGEST]
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form, dangerous=False)
            ident = as_id(form.get("id"))
            renamed = ident is not None and await self._devices.rename(tx, person.account.id, ident, name or None)
        return back(PATH, done="renamed") if renamed else await self._list(request, "not_found")

    async def forget(self, request: Request) -> Response:
        """`POST /account/devices/forget`: one browser is remembered no more; device and session stay."""
        form = await self._door.form(request)
        series = as_id(form.get("series"))
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form, dangerous=False)
            forgotten = series is not None and await self._remembered.forget(tx, person.account.id, series)
            if forgotten:
                await record_change(
                    tx, request, Kind.PREFERENCES_CHANGED, person, details={"remembered_forgotten": str(series)}
                )
        return back(PATH, done="forgotten") if forgotten else await self._list(request, "already_forgotten")

    async def ask_to_remove(self, request: Request) -> Response:
        """`GET /account/devices/remove?id=`: what a removal does, before it is done."""
        return await self._show(request, "account_device_remove.html")

    async def remove(self, request: Request) -> Response:
        """`POST /account/devices/remove`. The session ends if it lives on this device."""
        form = await self._door.form(request)
        ident = as_id(form.get("id"))
        async with self._shared.database.begin() as tx:
            sender = await self._door.sender(tx, request, form)
            await self._people.lock_person(tx, sender.account.id)  # before the session, as whoever begins one
            person = await self._door.changing(tx, request, form)
            device = await self._devices.owned(tx, person.account.id, ident) if ident is not None else None
            here = device is not None and await self._remove(tx, request, person, device)
        if device is None:
            return await self._list(request, "not_found")
        await self._letters.poke()
        if not here:
            return back(PATH, done="removed")
        response = self._shared.pages.respond(
            request,
            "account_left.html",
            locale=self._shared.pages.locale(request, ui_locales=person.account.locale),
            forgot=True,
        )
        response.delete_cookie(DEVICE_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return without_session(response)

    async def _remove(self, tx: Transaction, request: Request, person: Person, device: Device) -> bool:
        """Returns whether the session lived on it, and has ended."""
        await self._devices.remove(tx, person.account.id, device.id)
        await record_change(tx, request, Kind.DEVICE_REMOVED, person, details={"device": str(device.id)})
        await self._signals.device_changed(
            tx,
            person.account.id,
            device.id,
            complied=device.complies,
            complies=False,
            reason="device_removed",
            correlation_id=correlation_id(request),
        )
        session = person.session
        if session.visitor.device_id != device.id:
            return False
        ended_by = visitor(request, device.id)
        await self._one_session.end(
            tx, session.sid, "device_removal", correlation_id=correlation_id(request), ended_by=ended_by
        )
        return True

    async def _list(self, request: Request, fault: Fault | None = None) -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            user_id = person.account.id
            devices = await self._devices.of(tx, user_id)
            remembered = await self._remembered.remembered_of(tx, user_id, self._shared.clock.now())
            places = await self._history.last_places(tx, user_id)
        return await self._door.show(
            request,
            person,
            "account_devices.html",
            status=HTTPStatus.NOT_FOUND if fault else HTTPStatus.OK,
            devices=devices,
            remembered=remembered,
            places=places,
            fault=fault,
            done=request.query_params.get("done"),
        )

    async def _show(self, request: Request, template: str) -> Response:
        ident = as_id(request.query_params.get("id"))
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            user_id = person.account.id
            device = await self._devices.owned(tx, user_id, ident) if ident is not None else None
            if device is None:
                return await self._list(request, "not_found")
            remembered = await self._remembered.remembered_of(tx, user_id, self._shared.clock.now())
            places = await self._history.last_places(tx, user_id)
        return await self._door.show(
            request,
            person,
            template,
            device=device,
            remembered=next((one for one in remembered if one.device_id == device.id), None),
            place=places.get(device.id),
        )
