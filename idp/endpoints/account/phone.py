"""`/account/phone`: a person adds a number, or another one, and proves by a code that texts reach them there."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.problem import Problem
from config.web import correlation_id
from idp.credentials.factor_guesses import factor_guesses
from idp.credentials.throttle import Throttle, TooMany
from idp.endpoints.account.door import NOT_NOW, AccountDoor, Person, back, record_change
from idp.endpoints.account.factors import changed
from idp.endpoints.account.letters import Letters
from idp.endpoints.account.numbers import recipient
from idp.endpoints.account.recovery_codes import PATH as FACTORS
from idp.endpoints.account.recovery_codes import RecoveryCodesPage
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.new_phones import NewPhones
from idp.endpoints.login.text_codes import Asked, Reach, TextCodes
from idp.endpoints.whereabouts import client_ip
from idp.factors.one_time_code import LIFETIME
from idp.factors.phone_number import Phone
from idp.sessions.signals.changes import ChangeSignals, CredentialChange

PATH = "/account/phone"


class PhonePage:
    """Takes a number, sends a code there, and takes that."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        phones: NewPhones,
        codes: TextCodes,
        throttle: Throttle,
        recovery_codes: RecoveryCodesPage,
        signals: ChangeSignals,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._phones = phones
        self._codes = codes
        self._throttle = throttle
        self._recovery_codes = recovery_codes
        self._signals = signals

    async def __call__(self, request: Request) -> Response:
        """`GET` asks for a number, or for the code that was sent; `POST` takes either, or sends another code."""
        if request.method != "POST":
            return await self._show(request, other="other" in request.query_params)
        form = await self._door.form(request)
        if not self._codes.available:
            raise Problem(NOT_NOW, private="nobody carries texts")
        if "number" in form:
            return await self._begin(request, form)
        if form.get("act") == "again":
            return await self._again(request, form)
        return await self._confirm(request, form)

    async def _begin(self, request: Request, form: dict[str, str]) -> Response:
        typed = form["number"].strip()
        async with self._shared.database.connect() as tx:
            person = await self._door.changing(tx, request, form)
            if "sms" in person.forbidden:
                return back(FACTORS, fault="forbidden")
            reach = await self._phones.taken(tx, person.account.id, person.session.organisation_id, typed)
        if not isinstance(reach, Reach):
            return await self._show(request, reach, typed=typed, other=True)
        permit = await self._codes.may_send(request, person.account.id, reach)
        if permit.refusal is not None:
            return await self._show(request, f"text_{permit.refusal}", typed=typed, other=True)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            phone = await self._phones.begin(tx, person.account.id, reach.number)
            now = self._shared.clock.now()
            asked = _asked(phone, person)
            await self._codes.send(tx, request, asked, recipient(person), reach, now, again=False, permit=permit)
        await self._letters.poke()
        return back(PATH)

    async def _again(self, request: Request, form: dict[str, str]) -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.changing(tx, request, form)
            found = await self._pending(tx, person)
        if found is None:
            return back(PATH)
        permit = await self._codes.may_send(request, person.account.id, found[1])
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            found = await self._pending(tx, person)
            if found is None:
                return back(PATH)
            phone, reach = found
            now, asked = self._shared.clock.now(), _asked(phone, person)
            texted = await self._codes.send(
                tx, request, asked, recipient(person), reach, now, again=True, permit=permit
            )
        await self._letters.poke()
        if texted in ("sent", "already"):
            return back(PATH, done="sent_again")
        return await self._show(request, f"mail_{texted}" if permit.refusal is None else f"text_{permit.refusal}")

    async def _confirm(self, request: Request, form: dict[str, str]) -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.changing(tx, request, form)
        counted = factor_guesses(person.account.id, client_ip(request), person.session.visitor.device_id)
        try:
            await self._throttle.attempt_all(counted)
        except TooMany as problem:
            response = await self._show(request, "too_many")
            response.headers.update(problem.headers)
            return response
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            if "sms" in person.forbidden:
                return back(FACTORS, fault="forbidden")
            found = await self._pending(tx, person)
            if found is None:
                return back(PATH)
            phone, reach = found
            now, asked = self._shared.clock.now(), _asked(phone, person)
            verdict = await self._codes.take(tx, asked, person.account.id, reach, form.get("code", ""), now)
            codes = await self._keep(tx, request, person, phone) if verdict == "right" else None
            if verdict != "right":
                await record_change(tx, request, Kind.FACTOR_FAILED, person, "sms")
        if verdict != "right":
            return await self._show(request, "spent_code" if verdict == "spent" else "wrong_text_code")
        await self._throttle.all_right(counted)
        await self._codes.was_used(reach)
        await self._letters.poke()
        return await self._recovery_codes.shown(request, person, codes, done="sms_added")

    async def _keep(self, tx: Transaction, request: Request, person: Person, phone: Phone) -> tuple[str, ...] | None:
        """The number counts from now on. Returns recovery codes, where it is the person's first second factor."""
        replaced = "sms" in person.enrolled
        await self._phones.confirm(tx, phone)
        await changed(tx, request, person, self._letters, "enrolled", "sms")
        change = CredentialChange("phone-sms", "update" if replaced else "create", "added")
        await self._signals.credential_changed(tx, person.account.id, change, correlation_id(request))
        return await self._recovery_codes.first_time(tx, request, person)

    async def _pending(self, tx: Transaction, person: Person) -> tuple[Phone, Reach] | None:
        return await self._phones.begun(tx, person.account.id, person.session.organisation_id)

    async def _show(
        self, request: Request, fault: str | None = None, *, typed: str = "", other: bool = False
    ) -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            found = await self._pending(tx, person) if not other else None
        if not self._codes.available or "sms" in person.forbidden:
            return back(FACTORS)
        throttled = fault is not None and (fault == "too_many" or fault.startswith(("text_", "mail_")))
        status = HTTPStatus.TOO_MANY_REQUESTS if throttled else HTTPStatus.UNPROCESSABLE_ENTITY
        return await self._door.show(
            request,
            person,
            "account_phone.html",
            status=status if fault else HTTPStatus.OK,
            sent_to=found[1].number.written if found is not None else None,
            typed=typed,
            minutes=int(LIFETIME.total_seconds()) // 60,
            fault=fault,
            sent_again=request.query_params.get("done") == "sent_again" and not fault,
            code=failure_code([fault] if fault else []),
        )


def _asked(phone: Phone, person: Person) -> Asked:
    return Asked(bound_to=phone.id, faced=person.session.sid, until=person.session.absolute_expires_at)
