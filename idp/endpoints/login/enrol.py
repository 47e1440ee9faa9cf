"""`/enrol`: a login leads its person to set up what a phase of their programme asks for.

It is one page: one press makes a passkey, or digits are typed that an app shows, or that came by text or by mail. In
grace it can be put off; after the date it cannot. What was set up counts for this very login, and saved codes are shown
once before it goes on. Of a device that approves the page only tells: that one is set up in its own browser.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from idp.authorization.next_step import Step
from idp.credentials.factor_guesses import factor_guesses
from idp.credentials.throttle import Throttle, TooMany
from idp.devices.identification import label_browser
from idp.endpoints.login.enrol_codes import EnrolCodes, NotRight
from idp.endpoints.login.enrolling import EnrolStep
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.new_factors import ShownSecret
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.whereabouts import client_ip
from idp.factors import totp
from idp.factors.one_time_code import LIFETIME
from idp.factors.passkey import PasskeyRefused

HELPED: Final = {"passkey": "passkey", "totp": "app", "sms": "sms", "link": "link", "push": "push"}
"""The how-to of each method (`pages.help.ways`)."""


class EnrolPage:
    """Shows what can be set up, and takes it."""

    def __init__(self, step: EnrolStep, *, passkeys: PasskeyCeremonies, codes: EnrolCodes, throttle: Throttle) -> None:
        self._step = step
        self._shared = step.shared
        self._passkeys = passkeys
        self._codes = codes
        self._throttle = throttle

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes digits, sends them, puts it off, or goes on after it was done."""
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
            case "other":
                return await self._show(request, login_id, other=True)
            case "text" | "text_again" | "texted" | "mail" | "mailed":
                return await self._by_code(request, login_id, form)
        return await self._by_app(request, login_id, form.get("code", ""))

    async def by_passkey(self, request: Request) -> Response:
        """`POST /enrol/passkey` takes the answer of an authenticator that made a passkey."""
        login_id, form = await self._shared.accept_form(request, Step.ENROL)
        codes = None
        async with self._shared.database.begin() as tx:
            at = await self._step.at(tx, request, login_id, "passkey")
            if isinstance(at, Response):
                return at
            login, new = at.login, self._step.new_factors
            try:
                passkey = await new.add_passkey(
                    tx,
                    request,
                    at.account,
                    form.get("answer", ""),
                    form.get("label", ""),
                    bound_to=_bound_to(login_id),
                )
            except PasskeyRefused:
                await self._step.record(tx, request, Kind.FACTOR_FAILED, at, "passkey")
                refused = True
            else:
                refused = False
                login, codes = await self._step.added(tx, request, at, "passkey", passkey.amr)
        if refused:
            return await self._show(request, login_id, NotRight("passkey_refused"))
        return await self._step.went_on(request, login, codes)

    async def _by_app(self, request: Request, login_id: UUID, code: str) -> Response:
        async with self._shared.database.connect() as tx:
            found = await self._shared.find(tx, login_id, self._shared.clock.now())
        if found.user_id is None:
            return self._shared.hops.to_dispatcher(found)
        counted = factor_guesses(found.user_id, client_ip(request), None)
        try:
            await self._throttle.attempt_all(counted)
        except TooMany as problem:
            return await self._show(request, login_id, NotRight("too_many", headers=problem.headers))
        codes, secret = None, None
        async with self._shared.database.begin() as tx:
            at = await self._step.at(tx, request, login_id, "totp")
            if isinstance(at, Response):
                return at
            login, new = at.login, self._step.new_factors
            added = await new.confirm_app(tx, request, at.account, code)
            if added == "added":
                login, codes = await self._step.added(tx, request, at, "totp", totp.AMR)
            else:
                await self._step.record(tx, request, Kind.FACTOR_FAILED, at, "totp")
                secret = await new.begun_app(tx, at.account)
        if added != "added":
            return await self._show(request, login_id, NotRight("wrong_code"), secret=secret)
        await self._throttle.all_right(counted)
        return await self._step.went_on(request, login, codes)

    async def _by_code(self, request: Request, login_id: UUID, form: dict[str, str]) -> Response:
        match form["act"]:
            case "text":
                came = await self._codes.text(request, login_id, form.get("number", ""))
            case "text_again":
                came = await self._codes.text(request, login_id, again=True)
            case "texted":
                came = await self._codes.by_text(request, login_id, form.get("text_code", ""))
            case "mail":
                came = await self._codes.mail(request, login_id)
            case _:
                came = await self._codes.by_mail(request, login_id, form.get("mail_code", ""))
        if isinstance(came, Response):
            return came
        return await self._show(request, login_id, came, other=form["act"] == "text")

    async def _put_off(self, request: Request, login_id: UUID) -> Response:
        """Nothing is set up in this login. Whoever may not put it off sees the page again: the dispatcher says so."""
        async with self._shared.database.begin() as tx:
            at = await self._step.at(tx, request, login_id)
            if isinstance(at, Response):
                return at
            login = at.login.puts_off()
            await self._shared.logins.save(tx, login)
            await self._step.demanding.put_off(tx, at.account.id, at.enrolment)
        return self._shared.hops.to_dispatcher(login)

    async def _show(
        self,
        request: Request,
        login_id: UUID,
        wrong: NotRight | None = None,
        *,
        other: bool = False,
        secret: ShownSecret | None = None,
    ) -> Response:
        """`other`: they want to type another number."""
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            at = await self._step.at(tx, request, login_id)
            if isinstance(at, Response):
                return at
            account, enrolment = at.account, at.enrolment
            await self._step.demanding.asks(tx, account.id, enrolment, now)
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
                secret = await self._step.new_factors.begin_app(tx, account)
            sent = await self._codes.waiting(tx, request, at, other=other)
        fault = wrong.what if wrong is not None else None
        response = await self._shared.show(
            request,
            at.login,
            Step.ENROL,
            "enrol.html",
            status=_status(fault),
            days_left=enrolment.days_left(now),
            may_put_off=enrolment.enrolling == "may",
            until=enrolment.deadline,
            passwordless=enrolment.passwordless,
            replaces=enrolment.phase_id is None,
            methods=enrolment.methods,
            how_to=HELPED[enrolment.methods[0]],
            passkey_options=options,
            secret=secret,
            sent=sent,
            typed=wrong.typed if wrong is not None else "",
            minutes=int(LIFETIME.total_seconds()) // 60,
            suggested_label=label_browser(request.headers).device,
            fault=fault,
            code=failure_code([fault] if fault else []),
        )
        response.headers.update((wrong.headers if wrong is not None else None) or {})
        return response


def _status(fault: str | None) -> HTTPStatus:
    if fault is None:
        return HTTPStatus.OK
    waits = fault in ("too_many", "mail_too_soon", "mail_too_many") or fault.startswith("text_")
    return HTTPStatus.TOO_MANY_REQUESTS if waits else HTTPStatus.UNPROCESSABLE_ENTITY


def _bound_to(login_id: UUID) -> str:
    return f"enrol:{login_id}"
