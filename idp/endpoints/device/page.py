"""`/device`: a person types the code that their device shows, sees who asks for what, and allows or refuses it.

Whoever is not signed in goes the login's usual way first, so strangers learn nothing of which codes there are; whoever
is has so many guesses. The device's tokens belong to the session of whoever allows it (S1), and end with it (S3).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.trail import Kind
from config.problem import Problem
from idp.credentials.throttle import (
    USER_CODES_OF_ADDRESS,
    USER_CODES_OF_SESSION,
    Limit,
    Throttle,
    TooMany,
    address_subject,
)
from idp.endpoints.account.door import NOT_SIGNED_IN, AccountDoor, Person, record_change
from idp.endpoints.account.sign_in import SIGN_IN
from idp.endpoints.device.authorization import PAGE
from idp.endpoints.login.arrivals import session_cookie_hash
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.whereabouts import client_ip
from idp.grants.pending import PendingGrants, code_hash
from idp.grants.user_code import shown, typed
from pages.qr_code import qr_code

FIELD: Final = "user_code"


class DevicePage:
    """Takes the code, and the word."""

    def __init__(
        self, shared: LoginPages, *, door: AccountDoor, pending: PendingGrants, throttle: Throttle, issuer: str
    ) -> None:
        self._shared = shared
        self._door = door
        self._pending = pending
        self._throttle = throttle
        self._address = issuer + PAGE

    async def __call__(self, request: Request) -> Response:
        """`GET /device?user_code=` shows; `POST /device` takes the word."""
        if request.method == "POST":
            return await self._answered(request)
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
        said = request.query_params.get(FIELD)
        if person is None:
            user_code = typed(said or "")
            if user_code is None:
                return self._ask_nobody(request, "unknown" if said else "")
            to = f"{PAGE}?{urlencode({FIELD: shown(user_code)})}"
            address = f"{SIGN_IN}?{urlencode({'to': to})}"
            return RedirectResponse(address, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
        if said is None:
            return await self._ask(request, person)
        return await self._confirm(request, person, said)

    async def _confirm(self, request: Request, person: Person, said: str) -> Response:
        counted = _counted(request, person.session.cookie_hash)
        try:
            await self._throttle.attempt_all(counted)
        except TooMany as problem:
            return await self._too_many(request, person, problem)
        user_code = typed(said)
        async with self._shared.database.connect() as tx:
            pending = await self._pending.by_user_code(tx, code_hash(user_code)) if user_code is not None else None
        if user_code is None or pending is None or not pending.waits(self._shared.clock.now()):
            return await self._ask(request, person, "unknown")
        client = await self._shared.clients.find(pending.client_id)
        if client is None:
            return await self._ask(request, person, "unknown")
        await self._throttle.all_right(counted)
        return await self._door.show(
            request,
            person,
            "device_confirm.html",
            app=client,
            came_from=pending.came_from,
            scopes=await self._shared.scope_words.lines(pending.scope, client),
            user_code=shown(user_code),
            on_phone=qr_code(f"{self._address}?{urlencode({FIELD: shown(user_code)})}"),
        )

    async def _answered(self, request: Request) -> Response:
        form = await self._door.form(request)
        cookie_hash = session_cookie_hash(request)
        if cookie_hash is None:
            raise Problem(NOT_SIGNED_IN)
        counted = _counted(request, cookie_hash)
        try:
            await self._throttle.attempt_all(counted)
        except TooMany as problem:
            async with self._shared.database.connect() as tx:
                person = await self._door.sender(tx, request, form)
            return await self._too_many(request, person, problem)
        user_code, allowed = typed(form.get(FIELD, "")), form.get("decision") == "allow"
        answered = None
        async with self._shared.database.begin() as tx:
            # before the session, as the client's own question locks them
            digest = code_hash(user_code) if user_code is not None else b""
            pending = await self._pending.claim_by_user_code(tx, digest)
            person = await self._door.changing(tx, request, form, dangerous=False)
            if pending is not None and pending.waits(self._shared.clock.now()):
                answered = pending.answered(person.account.id, person.session.sid, allowed=allowed)
                await self._pending.save(tx, answered)
                kind = Kind.DEVICE_ALLOWED if allowed else Kind.DEVICE_REFUSED
                await record_change(tx, request, kind, person, details={"client": answered.client_id})
        if answered is None:
            return await self._ask(request, person, "unknown")
        await self._throttle.all_right(counted)
        client = await self._shared.clients.find(answered.client_id)
        return await self._door.show(request, person, "device_done.html", app=client, allowed=allowed)

    async def _ask(self, request: Request, person: Person, problem: str = "") -> Response:
        status = HTTPStatus.NOT_FOUND if problem else HTTPStatus.OK
        return await self._door.show(
            request, person, "device_code.html", status=status, problem=problem, on_phone=qr_code(self._address)
        )

    def _ask_nobody(self, request: Request, problem: str) -> Response:
        status = HTTPStatus.NOT_FOUND if problem else HTTPStatus.OK
        return self._shared.pages.respond(
            request, "device_code.html", status=status, problem=problem, on_phone=qr_code(self._address)
        )

    async def _too_many(self, request: Request, person: Person, problem: TooMany) -> Response:
        response = await self._door.show(
            request,
            person,
            "device_code.html",
            status=problem.kind.status,
            problem="too_many",
            on_phone=qr_code(self._address),
        )
        response.headers.update(problem.headers)
        return response


def _counted(request: Request, cookie_hash: bytes) -> list[tuple[Limit, str]]:
    return [
        (USER_CODES_OF_SESSION, cookie_hash.hex()),
        (USER_CODES_OF_ADDRESS, address_subject(client_ip(request))),
    ]
