"""`/account/authenticator`: an authenticator app is connected; it counts once a code of it was typed."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from idp.credentials.factor_guesses import factor_guesses
from idp.credentials.throttle import Throttle
from idp.endpoints.account.door import AccountDoor, Person, back, record_change
from idp.endpoints.account.factors import changed
from idp.endpoints.account.letters import Letters
from idp.endpoints.account.recovery_codes import PATH, RecoveryCodesPage
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.new_factors import LABEL_LONGEST, NewFactors, ShownSecret
from idp.endpoints.whereabouts import client_ip


class AuthenticatorPage:
    """Shows a new secret, and takes its first code."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        new_factors: NewFactors,
        throttle: Throttle,
        recovery_codes: RecoveryCodesPage,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._new_factors = new_factors
        self._throttle = throttle
        self._recovery_codes = recovery_codes

    async def begin(self, request: Request) -> Response:
        """`POST /account/authenticator`: a new secret, shown as a QR code until a code of it was typed."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            if "totp" in person.forbidden:
                return back(PATH, fault="forbidden")
            if not await self._new_factors.may_begin_app(tx, person.account):
                return back(PATH)  # the page offers no more of them
            secret = await self._new_factors.begin_app(tx, person.account)
        return await self._show(request, person, secret)

    async def confirm(self, request: Request) -> Response:
        """`POST /account/authenticator/confirm`: the first code of the new app."""
        form = await self._door.form(request)
        async with self._shared.database.connect() as tx:
            person = await self._door.changing(tx, request, form)
        device = person.session.visitor.device_id
        counted = factor_guesses(person.account.id, client_ip(request), device)
        await self._throttle.attempt_all(counted)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            if "totp" in person.forbidden:
                return back(PATH, fault="forbidden")
            code, label = form.get("code", ""), form.get("label", "")
            added = await self._new_factors.confirm_app(tx, request, person.account, code, label)
            if added == "wrong_code":
                await record_change(tx, request, Kind.FACTOR_FAILED, person, "totp")
                secret = await self._new_factors.begun_app(tx, person.account)
                assert secret is not None
                return await self._show(request, person, secret, label, fault="wrong_code")
            if added == "none_begun":
                return back(PATH)
            await changed(tx, request, person, self._letters, "enrolled", "totp")
            codes = await self._recovery_codes.first_time(tx, request, person)
        await self._throttle.all_right(counted)
        await self._letters.poke()
        return await self._recovery_codes.shown(request, person, codes, done="totp_added")

    async def _show(
        self, request: Request, person: Person, secret: ShownSecret, label: str = "", fault: str | None = None
    ) -> Response:
        return await self._door.show(
            request,
            person,
            "account_authenticator.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
            label=label[:LABEL_LONGEST],
            longest=LABEL_LONGEST,
            qr_code=secret.qr_code,
            secret=secret.letters,
            fault=fault,
            code=failure_code([fault] if fault else []),
        )
