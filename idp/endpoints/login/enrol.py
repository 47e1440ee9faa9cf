"""`/enrol`: a login leads its person to set up a passkey or an authenticator app, as a phase of their programme asks.

It is one page: one press makes a passkey, or one code of an app is typed. In grace it can be put off; after the date it
cannot. What was set up counts for this very login, and saved codes are shown once before it goes on.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.credentials.factor_guesses import factor_guesses
from idp.credentials.throttle import Throttle, TooMany
from idp.devices.identification import label_browser
from idp.directory.account import Account, Directory
from idp.endpoints.login.demanding import Demanding
from idp.endpoints.login.factor_notices import FactorNotices
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.known_person import Arrived
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.endpoints.login.new_factors import NewFactors, ShownSecret
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.whereabouts import client_ip
from idp.factors import totp
from idp.factors.passkey import PasskeyRefused
from idp.rollout.demands import Enrolment

Fault = Literal["wrong_code", "passkey_refused", "too_many"]
AddedFactor = Literal["passkey", "totp"]


class EnrolPage:
    """Shows what can be set up, and takes it."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        directory: Directory,
        demanding: Demanding,
        new_factors: NewFactors,
        passkeys: PasskeyCeremonies,
        notices: FactorNotices,
        throttle: Throttle,
    ) -> None:
        self._shared = shared
        self._directory = directory
        self._demanding = demanding
        self._new_factors = new_factors
        self._passkeys = passkeys
        self._notices = notices
        self._throttle = throttle

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes the first code of an app, puts it off, or goes on after it was done."""
        if request.method != "POST":
            return await self._show(request, self._shared.hops.accept(request, Step.ENROL))
        login_id, form = await self._shared.accept_form(request, Step.ENROL)
        match form.get("act"):
            case "go_on":
                async with self._shared.database.connect() as tx:
                    login = await self._shared.find(tx, login_id, self._shared.clock.now())
                return self._shared.hops.to_dispatcher(login)
            case "later":
                return await self._put_off(request, login_id)
            case "give_up":
                return await self._shared.give_up(request, login_id, Step.ENROL)
        return await self._by_app(request, login_id, form.get("code", ""))

    async def by_passkey(self, request: Request) -> Response:
        """`POST /enrol/passkey` takes the answer of an authenticator that made a passkey."""
        login_id, form = await self._shared.accept_form(request, Step.ENROL)
        codes = None
        async with self._shared.database.begin() as tx:
            at = await self._at(tx, request, login_id, "passkey")
            if isinstance(at, Response):
                return at
            login, _, enrolment, account = at
            try:
                passkey = await self._new_factors.add_passkey(
                    tx, request, account, form.get("answer", ""), form.get("label", ""), bound_to=_bound_to(login_id)
                )
            except PasskeyRefused:
                await self._record(tx, request, Kind.FACTOR_FAILED, login, enrolment, "passkey")
                refused = True
            else:
                refused = False
                login, codes = await self._added(tx, request, at, "passkey", passkey.amr)
        if refused:
            return await self._show(request, login_id, "passkey_refused")
        return await self._went_on(request, login, codes)

    async def _by_app(self, request: Request, login_id: UUID, code: str) -> Response:
        async with self._shared.database.connect() as tx:
            found = await self._shared.find(tx, login_id, self._shared.clock.now())
        if found.user_id is None:
            return self._shared.hops.to_dispatcher(found)
        counted = factor_guesses(found.user_id, client_ip(request), None)
        try:
            await self._throttle.attempt_all(counted)
        except TooMany as problem:
            response = await self._show(request, login_id, "too_many", HTTPStatus.TOO_MANY_REQUESTS)
            response.headers.update(problem.headers)
            return response
        codes, secret = None, None
        async with self._shared.database.begin() as tx:
            at = await self._at(tx, request, login_id, "totp")
            if isinstance(at, Response):
                return at
            login, _, enrolment, account = at
            added = await self._new_factors.confirm_app(tx, request, account, code)
            if added == "added":
                login, codes = await self._added(tx, request, at, "totp", totp.AMR)
            else:
                await self._record(tx, request, Kind.FACTOR_FAILED, login, enrolment, "totp")
                secret = await self._new_factors.begun_app(tx, account)
        if added != "added":
            return await self._show(request, login_id, "wrong_code", secret=secret)
        await self._throttle.all_right(counted)
        return await self._went_on(request, login, codes)

    async def _put_off(self, request: Request, login_id: UUID) -> Response:
        """Nothing is set up in this login. Whoever may not put it off sees the page again: the dispatcher says so."""
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            arrived = await self._shared.due(tx, request, login, Step.ENROL, now)
            if arrived is not None and arrived.demanded.enrolment is not None:
                login = login.puts_off()
                await self._shared.logins.save(tx, login)
                await self._demanding.put_off(tx, arrived.known.user_id, arrived.demanded.enrolment)
        return self._shared.hops.to_dispatcher(login)

    async def _at(
        self, tx: Transaction, request: Request, login_id: UUID, method: AddedFactor
    ) -> tuple[Login, Arrived, Enrolment, Account] | Response:
        """The claimed login, if this step is due in it and `method` is what its person may set up."""
        now = self._shared.clock.now()
        login = await self._shared.claim(tx, login_id, now)
        arrived = await self._shared.due(tx, request, login, Step.ENROL, now)
        if arrived is None or (enrolment := arrived.demanded.enrolment) is None or method not in enrolment.methods:
            return self._shared.hops.to_dispatcher(login)
        account = await self._directory.account(tx, arrived.known.user_id)
        if account is None:
            return self._shared.hops.to_dispatcher(login)
        return login, arrived, enrolment, account

    async def _added(
        self,
        tx: Transaction,
        request: Request,
        at: tuple[Login, Arrived, Enrolment, Account],
        method: AddedFactor,
        amr: tuple[str, ...],
    ) -> tuple[Login, tuple[str, ...] | None]:
        """The login in which a factor was set up, which is one that was just used; and the first saved codes."""
        login, arrived, enrolment, account = at
        now = self._shared.clock.now()
        login = login.passed_factor(amr, now)
        await self._shared.logins.save(tx, login)
        await self._demanding.enrolled(tx, account.id, enrolment, method, now)
        await self._record(tx, request, Kind.FACTOR_ENROLLED, login, enrolment, method)
        await self._notices.factor_enrolled(tx, request, arrived.recipient, now, factor=method)
        return login, await self._new_factors.first_codes(tx, request, account.id, arrived.known.enrolled)

    async def _record(
        self, tx: Transaction, request: Request, kind: Kind, login: Login, enrolment: Enrolment, method: AddedFactor
    ) -> None:
        details = {"method": method, "client": login.client_id, "phase": str(enrolment.phase_id)}
        await record_attempt(
            tx, request, kind, subject=str(login.user_id), sid=login.takeover_of or "", details=details
        )

    async def _went_on(self, request: Request, login: Login, codes: tuple[str, ...] | None) -> Response:
        await self._shared.telling.poke()
        if codes is None:
            return self._shared.hops.to_dispatcher(login)
        return await self._shared.show(request, login, Step.ENROL, "enrolled.html", codes=codes)

    async def _show(
        self,
        request: Request,
        login_id: UUID,
        fault: Fault | None = None,
        status: HTTPStatus = HTTPStatus.OK,
        *,
        secret: ShownSecret | None = None,
    ) -> Response:
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            arrived = await self._shared.due(tx, request, login, Step.ENROL, now)
            account = await self._directory.account(tx, arrived.known.user_id) if arrived is not None else None
            if arrived is None or account is None or (enrolment := arrived.demanded.enrolment) is None:
                return self._shared.hops.to_dispatcher(login)
            await self._demanding.asks(tx, account.id, enrolment, now)
            options: dict[str, Any] | None = None
            if "passkey" in enrolment.methods:
                options = await self._passkeys.offer(
                    tx,
                    user_id=account.id,
                    login_name=account.login_name,
                    display_name=account.display_name,
                    bound_to=_bound_to(login_id),
                    now=now,
                )
            if "totp" in enrolment.methods and secret is None:
                secret = await self._new_factors.begin_app(tx, account)
        if fault is not None and status is HTTPStatus.OK:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        return await self._shared.show(
            request,
            login,
            Step.ENROL,
            "enrol.html",
            status=status,
            days_left=enrolment.days_left(now),
            may_put_off=enrolment.enrolling == "may",
            until=enrolment.deadline,
            passwordless=enrolment.passwordless,
            passkey_options=options,
            secret=secret,
            suggested_label=label_browser(request.headers).device,
            fault=fault,
            code=failure_code([fault] if fault else []),
        )


def _bound_to(login_id: UUID) -> str:
    return f"enrol:{login_id}"
