"""`/account/confirm`: the person of a session proves again who they are, and goes back to what they wanted to change.

Whoever has a second factor gives it; the password is asked for where there is none (NIST SP 800-63B-4, section 2.2.3:
the session itself is the other half). The session goes on under a new cookie (OWASP ASVS 5.0, 7.2.4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.problem import Problem
from idp.authorization.login_rules import LoginRulesCache
from idp.credentials.factor_guesses import factor_guesses
from idp.credentials.password import PasswordPool
from idp.credentials.throttle import Limit, Throttle, TooMany, guesses
from idp.endpoints.account.confirm_push import PATH, ConfirmPush
from idp.endpoints.account.door import NOT_NOW, NOT_SIGNED_IN, AccountDoor, Person, back, record_change
from idp.endpoints.account.letters import Letters
from idp.endpoints.account.numbers import OwnNumbers
from idp.endpoints.account.password import AccountPasswords
from idp.endpoints.account.recovery_codes import recovery_code_used
from idp.endpoints.login.arrivals import COOKIE_SIZE, Cookies, hash_session_cookie
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.login.typed_codes import TypedCodes
from idp.endpoints.whereabouts import client_ip
from idp.factors import phone_number, recovery_code, totp
from idp.factors.one_time_code import LIFETIME
from idp.factors.passkey import PasskeyRefused
from idp.protocol.assurance import MULTIPLE_FACTORS, acr, proven_again
from idp.sessions.one_session import OneSession

PASSWORD_AMR = ("pwd",)
_PAGE = re.compile(r"(/account(/[a-z-]+){0,2}|/device)(\?[a-z_]+=[\w.-]{1,2048}(&[a-z_]+=[\w.-]{1,2048})?)?", re.ASCII)


class ConfirmPage:
    """Shows the page, and takes the proof."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        typed_codes: TypedCodes,
        passwords: AccountPasswords,
        one_session: OneSession,
        passkeys: PasskeyCeremonies,
        pool: PasswordPool,
        throttle: Throttle,
        rules: LoginRulesCache,
        numbers: OwnNumbers,
        push: ConfirmPush,
        session_age: int,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._typed_codes = typed_codes
        self._passwords = passwords
        self._one_session = one_session
        self._passkeys = passkeys
        self._pool = pool
        self._throttle = throttle
        self._rules = rules
        self._numbers = numbers
        self._push = push
        self._session_age = session_age

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes a code, or a password where there is no second factor."""
        if request.method != "POST":
            return await self._show(request, request.query_params.get("to"))
        form = await self._door.form(request)
        if form.get("act") == "text":
            return await self._text(request, form)
        by_code = "sms" if form.get("way") == "sms" else "totp"
        method = "recovery_code" if form.get("recovery_code") else by_code if "code" in form else "password"
        return await self._attempt(request, form, method)

    async def by_passkey(self, request: Request) -> Response:
        """`POST /account/confirm/passkey` takes the answer of an authenticator."""
        return await self._attempt(request, await self._door.form(request), "passkey")

    async def _text(self, request: Request, form: dict[str, str]) -> Response:
        """Send a code to the person's number."""
        async with self._shared.database.connect() as tx:
            person = await self._door.sender(tx, request, form)
            reach = await self._numbers.reach(tx, person) if "sms" in person.enrolled else None
        if reach is None:
            raise Problem(NOT_NOW, private="a text where there is no number")
        permit = await self._numbers.may_send(request, person, reach)
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            texted = await self._numbers.confirm_by(tx, request, person, reach, permit, now)
        await self._letters.poke()
        if texted in ("sent", "already"):
            return await self._show(request, form.get("to"), sent_to=reach.number.masked)
        fault = f"mail_{texted}" if texted in ("too_soon", "too_many") else f"text_{texted}"
        sent_to = reach.number.masked if texted in ("too_soon", "too_many") else None
        return await self._show(request, form.get("to"), fault, sent_to=sent_to)

    async def by_push(self, request: Request) -> Response:
        """`POST /account/confirm/push` asks another device, or, with `act=take`, goes on by what it said."""
        form = await self._door.form(request)
        to = page_of(form.get("to"))
        if form.get("act") != "take":
            return await self._push.ask(request, form, to)
        cookies = await self._push.take(request, form, self._renew)
        if cookies is None:
            return back(PATH, to=to)
        answer = back(to)
        cookies.put_on(answer)
        return answer

    async def _attempt(self, request: Request, form: dict[str, str], method: str) -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.sender(tx, request, form)
            stored = await self._passwords.password_hash(tx, person.account.id)
            reach = await self._numbers.reach(tx, person) if method == "sms" else None
        if method == "password" and person.enrolled:
            raise Problem(NOT_NOW, private="a password where there is a second factor")
        if method in person.forbidden:
            raise Problem(NOT_NOW, private=f"{method}, which their organisation forbids")
        counted = _counted(request, person, method)
        try:
            await self._throttle.attempt_all(counted)
        except TooMany as problem:
            response = await self._show(request, form.get("to"), "too_many")
            response.headers.update(problem.headers)
            return response
        right = method == "password" and (await self._pool.verify(form.get("password", ""), stored)).correct
        now = self._shared.clock.now()
        async with self._shared.database.begin() as tx:
            amr = PASSWORD_AMR if right else await self._factor(tx, request, person, form, method)
            if reach is not None and await self._numbers.confirmed(tx, person, reach, form.get("code", ""), now):
                amr = (*phone_number.AMR, MULTIPLE_FACTORS)
            if amr is not None and method == "recovery_code":
                await recovery_code_used(tx, request, person, self._letters, self._typed_codes)
            await record_change(tx, request, Kind.FACTOR_FAILED if amr is None else Kind.FACTOR_PASSED, person, method)
            cookies = await self._renew(tx, person, amr) if amr is not None else None
        if cookies is None:
            sent_to = reach.number.masked if reach is not None else None
            return await self._show(request, form.get("to"), f"wrong_{method}", sent_to=sent_to)
        await self._throttle.all_right(counted)
        if reach is not None:
            await self._numbers.was_used(reach)
        await self._letters.poke()
        answer = back(page_of(form.get("to")))
        cookies.put_on(answer)
        return answer

    async def _factor(
        self, tx: Transaction, request: Request, person: Person, form: dict[str, str], method: str
    ) -> tuple[str, ...] | None:
        if method == "passkey":
            try:
                answered = await self._passkeys.answer(
                    tx,
                    form.get("answer", ""),
                    bound_to=_bound_to(person),
                    now=self._shared.clock.now(),
                    person=person.account.id,
                    request=request,
                )
            except PasskeyRefused:
                return None
            return (*answered.amr, MULTIPLE_FACTORS)
        if method == "totp" and await self._typed_codes.of_app(tx, person.account.id, form.get("code", "")):
            return (*totp.AMR, MULTIPLE_FACTORS)
        if method == "recovery_code" and person.enrolled:
            right = await self._typed_codes.saved(tx, person.account.id, form.get("recovery_code", ""))
            return (*recovery_code.AMR, MULTIPLE_FACTORS) if right else None
        return None

    async def _renew(self, tx: Transaction, person: Person, proven: Sequence[str]) -> Cookies:
        amr = proven_again(person.session.amr, proven)
        rules = await self._rules.of(tx, person.session.organisation_id)
        cookies = Cookies(self._shared.entropy.token(COOKIE_SIZE), None, self._session_age)
        renewed = await self._one_session.authenticated_again(
            tx,
            person.account.id,
            person.session.sid,
            cookie_hash=hash_session_cookie(cookies.session),
            amr=amr,
            acr=acr(amr, rules.counting),
            authenticated_at=self._shared.clock.now(),
        )
        if renewed is None:  # it ended a moment ago
            raise Problem(NOT_SIGNED_IN)
        return cookies

    async def _show(
        self, request: Request, to: str | None, fault: str | None = None, *, sent_to: str | None = None
    ) -> Response:
        async with self._shared.database.begin() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            options = None
            has_password = await self._passwords.password_hash(tx, person.account.id) is not None
            saved = await self._typed_codes.saved_left(tx, person.account.id) if person.enrolled else 0
            if "passkey" in person.enrolled:
                now = self._shared.clock.now()
                options = await self._passkeys.ask(tx, bound_to=_bound_to(person), now=now, person=person.account.id)
            push = await self._push.shown(tx, person, self._shared.clock.now())
        if push is not None:
            push = await self._push.offered(push, person)
        throttled = fault is not None and (fault == "too_many" or fault.startswith(("text_", "mail_")))
        status = HTTPStatus.TOO_MANY_REQUESTS if throttled else HTTPStatus.UNPROCESSABLE_ENTITY
        return await self._door.show(
            request,
            person,
            "account_confirm.html",
            status=status if fault else HTTPStatus.OK,
            enrolled=person.enrolled,
            has_password=has_password,
            passkey_options=options,
            saved_codes=saved > 0,
            sent_to=sent_to,
            minutes=int(LIFETIME.total_seconds()) // 60,
            push=push,
            approvals_at=self._push.answered_at,
            to=page_of(to),
            fault=fault,
            code=failure_code([fault] if fault else []),
        )


def page_of(to: str | None) -> str:
    """Where the person goes on: a page of the account, or its front."""
    return to if to is not None and _PAGE.fullmatch(to) else "/account"


def _counted(request: Request, person: Person, method: str) -> list[tuple[Limit, str]]:
    """Whose guess this is: that of the device where the session lives. Answers of passkeys are no guesses."""
    device = person.session.visitor.device_id
    if method == "passkey":
        return []
    if method == "password":
        return guesses(person.account.login_name, client_ip(request), device)
    return factor_guesses(person.account.id, client_ip(request), device)


def _bound_to(person: Person) -> str:
    return f"confirm:{person.session.sid}"
