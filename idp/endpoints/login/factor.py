"""`/factor`: the second factor: a passkey, an app, or a code by text; a code by mail for whoever has none of them.

Behind another way stand the saved recovery codes, for whoever lost app and passkey, and whom to ask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Literal
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from idp.authorization.attempts import WRONG_FACTORS_TOLD
from idp.authorization.login import Login
from idp.authorization.next_step import Step, lacking_level
from idp.credentials.throttle import TooMany
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.counted_codes import CountedCode, CountedCodes
from idp.endpoints.login.factor_notices import FactorNotices
from idp.endpoints.login.failure_codes import ONE_MORE, failure_code
from idp.endpoints.login.known_person import Arrived
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.login.push_factor import PushFactor
from idp.endpoints.login.sent_codes import AMR, Counted, SentCodes
from idp.endpoints.login.typed_codes import TypedCodes
from idp.factors import one_time_code, recovery_code, totp
from idp.factors.passkey import CloneSuspected, PasskeyRefused
from idp.factors.requirement import FactorKind, offered, serving

Method = Literal["totp", "sms", "email", "passkey", "recovery_code"]
TRIED: Mapping[str, tuple[str, ...]] = {
    "totp": totp.AMR,
    **AMR,
    "passkey": ("hwk",),
    "recovery_code": recovery_code.AMR,
}
"""How the history of sign-ins names what was tried."""
Fault = tuple[str, str]
"""A field, or nothing, and what is wrong with it: a key of the words."""


class FactorPage:
    """Shows the page, and takes what it sends."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        typed_codes: TypedCodes,
        counted_codes: CountedCodes,
        notices: FactorNotices,
        passkeys: PasskeyCeremonies,
        codes: SentCodes,
        push: PushFactor,
        mail_code_counts: bool,
    ) -> None:
        self._shared = shared
        self._typed_codes = typed_codes
        self._counted_codes = counted_codes
        self._notices = notices
        self._passkeys = passkeys
        self._codes = codes
        self._push = push
        self._mail_code_counts = mail_code_counts

    async def __call__(self, request: Request) -> Response:
        """`GET` shows, and sends a code by mail where that is the way; `POST` takes a code, or asks for another."""
        if request.method != "POST":
            return await self._show(request, self._shared.hops.accept(request, Step.FACTOR))
        login_id, form = await self._shared.accept_form(request, Step.FACTOR)
        asked = form.get("way") == "sms" or form.get("act") == "text"
        if form.get("act") in ("resend", "text"):
            return await self._show(request, login_id, again=form["act"] == "resend", asked=asked)
        if form.get("act") == "give_up":
            return await self._shared.give_up(request, login_id, Step.FACTOR)
        if saved := form.get("recovery_code"):
            return await self._attempt(request, login_id, saved, "recovery_code")
        method: Method = "sms" if asked else "email" if form.get("way") == "email" else "totp"
        return await self._attempt(request, login_id, form.get("code", ""), method)

    async def by_passkey(self, request: Request) -> Response:
        """`POST /factor/passkey` takes the answer of an authenticator."""
        login_id, form = await self._shared.accept_form(request, Step.FACTOR)
        return await self._attempt(request, login_id, form.get("answer", ""), "passkey")

    async def _attempt(self, request: Request, login_id: UUID, given: str, method: Method) -> Response:
        async with self._shared.database.connect() as tx:
            now = self._shared.clock.now()
            login = await self._shared.find(tx, login_id, now)
            arrived = await self._shared.arrivals.arrived(tx, request, login.user_id, now) if login.user_id else None
            reach = await self._codes.reach(tx, arrived) if arrived is not None and method == "sms" else None
        if login.user_id is None or arrived is None:
            return self._shared.hops.to_dispatcher(login)
        if method == "totp" and arrived.account.by_mail:
            method = "email"
        counted = None
        if method != "passkey":
            known_device = await self._counted_codes.known_device(request, arrived.known)
            try:
                counted = await self._counted_codes.count(request, login.user_id, known_device)
            except TooMany as problem:
                return await self._throttled(request, login, problem, asked=method == "sms")
        async with self._shared.database.begin() as tx:
            outcome = await self._take(tx, request, login_id, login.user_id, given, method)
        await self._shared.telling.poke()
        if isinstance(outcome, Login):
            if counted is not None:
                await self._counted_codes.was_right(counted)
            if method == "sms":
                await self._codes.was_used(reach)
            if method == "recovery_code":
                return await self._tell_left(request, outcome, login.user_id)
            return self._shared.hops.to_dispatcher(outcome)
        if counted is not None:
            await self._warn(request, login, arrived, counted)
        return await self._show(request, login_id, [outcome], HTTPStatus.UNPROCESSABLE_ENTITY, asked=method == "sms")

    async def _tell_left(self, request: Request, login: Login, person: UUID) -> Response:
        """How many codes are left, before the login goes on: whoever uses the last one unawares is locked out next."""
        async with self._shared.database.connect() as tx:
            left = await self._typed_codes.saved_left(tx, person)
        go_on = self._shared.hops.to_dispatcher(login).headers["location"]
        return await self._shared.show(
            request,
            login,
            Step.FACTOR,
            "recovery_code_left.html",
            left=left,
            few=left <= recovery_code.FEW,
            go_on=go_on,
        )

    async def _warn(self, request: Request, login: Login, arrived: Arrived, counted: CountedCode) -> None:
        """Tell the person that somebody guesses, if it is time to. The throttle is asked outside any transaction."""
        if not await self._counted_codes.to_be_told(counted, login.missed_factor().wrong_factors):
            return
        faces = arrived.live is not None and login.takeover_of == arrived.live.sid
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            await self._notices.guessed(tx, request, arrived.recipient, now, attempt_told=faces)
        await self._shared.telling.poke()

    async def _take(
        self,
        tx: Transaction,
        request: Request,
        login_id: UUID,
        person: UUID,
        given: str,
        method: Method,
    ) -> Login | Fault:
        """The login with the factor passed, or what was wrong."""
        now = self._shared.clock.now()
        login = await self._shared.claim(tx, login_id, now)
        arrived = await self._shared.arrivals.arrived(tx, request, person, now) if login.user_id == person else None
        if arrived is None:  # somebody else signed in on this login meanwhile, or the person is gone
            return ("", "passkey_refused") if method == "passkey" else ("code", "wrong_code")
        amr: tuple[str, ...] | None = None
        fault = ("code", "wrong_code")
        if method in arrived.forbidden:  # it was offered before it was forbidden: it is worth nothing any more
            fault = ("", "passkey_refused") if method == "passkey" else fault
        elif method in ("sms", "email"):  # nobody with an app gets in by mail
            verdict = await self._codes.take(tx, login, arrived, method, given, now)
            amr = AMR[method] if verdict == "right" else None
            wrong = "wrong_text_code" if method == "sms" else "wrong_mail_code"
            fault = ("code", "spent_code" if verdict == "spent" else wrong)
        elif method == "totp":
            amr = totp.AMR if await self._typed_codes.of_app(tx, person, given) else None
        elif method == "recovery_code":
            amr, fault = await self._saved(tx, request, arrived, given, now), ("recovery_code", "wrong_recovery_code")
        else:
            amr, what = await self._passkey(tx, request, login_id, person, given)
            fault = ("", what)
        kind = Kind.FACTOR_PASSED if amr is not None else Kind.FACTOR_FAILED
        details = {"method": method, "client": login.client_id}
        await record_attempt(tx, request, kind, subject=str(person), sid=login.takeover_of or "", details=details)
        if amr is not None:
            login = login.passed_factor(amr, now, raises=method != "email" or self._mail_raises(login))
            await self._push.withdraw(tx, login_id)
        else:
            login = login.missed_factor()
            here = visitor(request, arrived.known.device_id)
            await self._shared.telling.history.note(
                tx, person, "failed", here, amr=TRIED[method], client_id=login.client_id
            )
            if login.wrong_factors >= WRONG_FACTORS_TOLD:
                login = await self._shared.telling.attempt(tx, request, login, arrived, "refused", now)
        await self._shared.logins.save(tx, login)
        return login if amr is not None else fault

    def _mail_raises(self, login: Login) -> bool:
        """Whoever came by a link that was mailed shows nothing more by a code that is."""
        return self._mail_code_counts and not set(AMR["email"]) & set(login.amr)

    async def _saved(
        self, tx: Transaction, request: Request, arrived: Arrived, given: str, now: datetime
    ) -> tuple[str, ...] | None:
        person = arrived.known.user_id
        # whoever has no factor (any more) has none that a saved code could stand for
        if not arrived.known.enrolled or not await self._typed_codes.saved(tx, person, given):
            return None
        left = await self._typed_codes.saved_left(tx, person)
        await self._notices.recovery_code_used(tx, request, arrived.recipient, now, left=left)
        return recovery_code.AMR

    async def _passkey(
        self, tx: Transaction, request: Request, login_id: UUID, person: UUID, answer: str
    ) -> tuple[tuple[str, ...] | None, str]:
        """What an answer is worth, None where it is worth nothing, and why that would be."""
        now = self._shared.clock.now()
        try:
            answered = await self._passkeys.answer(
                tx, answer, bound_to=_bound_to(login_id), now=now, person=person, request=request
            )
        except PasskeyRefused as error:
            return None, "passkey_copied" if isinstance(error, CloneSuspected) else "passkey_refused"
        return answered.amr, ""

    async def _throttled(self, request: Request, login: Login, problem: TooMany, *, asked: bool) -> Response:
        if problem.first:
            async with self._shared.database.begin() as tx:
                now = self._shared.clock.now()
                login = await self._shared.claim(tx, login.id, now)
                arrived = await self._shared.due(tx, request, login, Step.FACTOR, now)
                details = {"method": "factor"}
                await record_attempt(tx, request, Kind.THROTTLED, subject=str(login.user_id), details=details)
                told = await self._shared.telling.attempt(tx, request, login, arrived, "refused", now)
                await self._shared.logins.save(tx, told)
            await self._shared.telling.poke()
        response = await self._show(request, login.id, [("", "too_many")], HTTPStatus.TOO_MANY_REQUESTS, asked=asked)
        response.headers.update(problem.headers)
        return response

    async def _show(
        self,
        request: Request,
        login_id: UUID,
        faults: list[Fault] | None = None,
        status: HTTPStatus = HTTPStatus.OK,
        *,
        again: bool = False,
        asked: bool = False,
        counted: Counted | None = None,
    ) -> Response:
        """`again`: another code is asked for; `asked`: a text, though there is something better."""
        kinds: Sequence[FactorKind] = ()
        faults, sent, reach, options, saved = faults or [], None, None, None, 0
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            arrived = await self._shared.due(tx, request, login, Step.FACTOR, now)
            if arrived is None:
                return self._shared.hops.to_dispatcher(login)
            lacking = lacking_level(login, arrived.account)
            counting = arrived.account.counting.of(lacking) if lacking else None
            enrolled = arrived.known.enrolled
            kinds = serving(enrolled, counting) if lacking else offered(enrolled, arrived.account.counting.two)
            way = self._codes.way(arrived, kinds, asked=asked)
            if way is not None:
                reach = await self._codes.reach(tx, arrived) if way == "sms" else None
                sent = await self._codes.send(
                    tx, request, login, arrived, now, way=way, reach=reach, again=again, counted=counted
                )
            if enrolled and (counting is None or "totp" in counting):  # a saved code is named `otp`, too
                saved = await self._typed_codes.saved_left(tx, arrived.known.user_id)
            if "passkey" in kinds:
                options = await self._passkeys.ask(
                    tx, bound_to=_bound_to(login_id), now=now, person=arrived.known.user_id, counting=counting
                )
            push = await self._push.shown(tx, login, arrived, now) if "push" in kinds else None
        if push is not None:
            push = await self._push.offered(push, arrived.known.user_id)
        if sent is not None and way is not None and sent.outcome == "uncounted":
            counted = await self._codes.count(request, login, arrived, way, reach)
            return await self._show(request, login_id, faults, status, again=again, asked=asked, counted=counted)
        if sent is not None and sent.outcome == "sent":
            await self._shared.telling.poke()
        if sent is not None and sent.fault is not None:
            faults, status = [*faults, ("", sent.fault)], HTTPStatus.TOO_MANY_REQUESTS
        return await self._shared.show(
            request,
            login,
            Step.FACTOR,
            "factor.html",
            status=status,
            kinds=kinds,
            why=_why(login, arrived, lacking),
            sent=sent if sent is not None and sent.is_there else None,
            sent_again=again and sent is not None and sent.outcome == "sent",
            minutes=int(one_time_code.LIFETIME.total_seconds()) // 60,
            faults=faults,
            code=failure_code(what for _, what in faults) or ONE_MORE,
            saved_codes=saved > 0,
            passkey_options=options,
            push=push,
            approvals_at=self._push.answered_at,
        )


def _why(login: Login, arrived: Arrived, lacking: int) -> str:
    """Why a factor is asked for, as far as it may be told before one passed; a session that lives is not named."""
    if login.overtaken and login.factor_passed:
        return "overtaken"
    if arrived.account.new_device and not login.factor_passed:
        return "new_device"
    return "hardware" if lacking >= 3 else "usual"


def _bound_to(login_id: UUID) -> str:
    return f"factor:{login_id}"
