"""`/factor`: the second factor. A code of the authenticator app, or a passkey, whichever the person has."""

from __future__ import annotations

from http import HTTPStatus
from typing import Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.envelope import Envelope
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.credentials.throttle import FACTOR_OF_ACCOUNT, Throttle, TooMany
from idp.endpoints.login.arrivals import Enrolments
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.factors import totp
from idp.factors.passkey import PasskeyRefused
from idp.factors.totp import TotpStorage


class FactorStorage(TotpStorage, Enrolments, Protocol):
    """Where authenticator apps are kept, and which factors a person has."""


class FactorPage:
    """Shows the page, and takes what it sends."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        factors: FactorStorage,
        envelope: Envelope,
        throttle: Throttle,
        passkeys: PasskeyCeremonies,
    ) -> None:
        self._shared = shared
        self._factors = factors
        self._envelope = envelope
        self._throttle = throttle
        self._passkeys = passkeys

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes a code."""
        if request.method != "POST":
            return await self._show(request, self._shared.hops.accept(request, Step.FACTOR))
        login_id, form = await self._shared.accept_form(request, Step.FACTOR)
        return await self._attempt(request, login_id, "code", form.get("code", ""))

    async def by_passkey(self, request: Request) -> Response:
        """`POST /factor/passkey` takes the answer of an authenticator."""
        login_id, form = await self._shared.accept_form(request, Step.FACTOR)
        return await self._attempt(request, login_id, "passkey", form.get("answer", ""))

    async def _attempt(self, request: Request, login_id: UUID, kind: str, given: str) -> Response:
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
        if login.user_id is None:
            return self._shared.hops.to_dispatcher(login)
        try:
            await self._throttle.attempt(FACTOR_OF_ACCOUNT, str(login.user_id))
        except TooMany as problem:
            return await self._throttled(request, login, problem)
        async with self._shared.database.begin() as tx:
            passed = await self._take(tx, request, login_id, login.user_id, kind, given)
        if passed is None:
            fault = ("code", "wrong_code") if kind == "code" else ("", "passkey_refused")
            return await self._show(request, login_id, [fault], HTTPStatus.UNPROCESSABLE_ENTITY)
        await self._throttle.was_right(FACTOR_OF_ACCOUNT, str(login.user_id))
        return self._shared.hops.to_dispatcher(passed)

    async def _take(
        self, tx: Transaction, request: Request, login_id: UUID, person: UUID, kind: str, given: str
    ) -> Login | None:
        now = self._shared.clock.now()
        login = await self._shared.claim(tx, login_id, now)
        amr = None
        if login.user_id == person:  # nobody else signed in on this login meanwhile
            amr = (
                await self._code(tx, person, given)
                if kind == "code"
                else await self._passkey(tx, login_id, person, given)
            )
        outcome = Kind.FACTOR_PASSED if amr is not None else Kind.FACTOR_FAILED
        details = {"method": "totp" if kind == "code" else "passkey", "client": login.client_id}
        await record_attempt(tx, request, outcome, subject=str(person), details=details)
        if amr is None:
            return None
        login = login.passed_factor(amr, now)
        await self._shared.logins.save(tx, login)
        return login

    async def _code(self, tx: Transaction, person: UUID, code: str) -> tuple[str, ...] | None:
        for authenticator in await self._factors.authenticators(tx, person):
            secret = self._envelope.open(authenticator.sealed_secret, totp.context(authenticator.id)).decode()
            step = totp.matching_step(
                secret,
                code,
                last_accepted_step=authenticator.last_accepted_step,
                now=self._shared.clock.timestamp(),
            )
            if step is not None and await self._factors.accept_step(tx, authenticator.id, step):
                return totp.AMR
        return None

    async def _passkey(self, tx: Transaction, login_id: UUID, person: UUID, answer: str) -> tuple[str, ...] | None:
        try:
            passkey = await self._passkeys.answer(
                tx, answer, bound_to=_bound_to(login_id), now=self._shared.clock.now(), person=person
            )
        except PasskeyRefused:
            return None
        return passkey.amr

    async def _throttled(self, request: Request, login: Login, problem: TooMany) -> Response:
        if problem.first:
            async with self._shared.database.begin() as tx:
                details = {"method": "factor"}
                await record_attempt(tx, request, Kind.THROTTLED, subject=str(login.user_id), details=details)
        response = await self._show(request, login.id, [("", "too_many")], HTTPStatus.TOO_MANY_REQUESTS)
        response.headers.update(problem.headers)
        return response

    async def _show(
        self,
        request: Request,
        login_id: UUID,
        faults: list[tuple[str, str]] | None = None,
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.find(tx, login_id, now)
            if login.user_id is None or not await self._shared.is_next(tx, request, login, Step.FACTOR, now):
                return self._shared.hops.to_dispatcher(login)
            kinds = await self._factors.enrolled(tx, login.user_id)
            options = None
            if "passkey" in kinds:
                options = await self._passkeys.ask(tx, bound_to=_bound_to(login_id), now=now, person=login.user_id)
        return await self._shared.show(
            request,
            login,
            Step.FACTOR,
            "factor.html",
            status=status,
            kinds=kinds,
            faults=faults or [],
            passkey_options=options,
        )


def _bound_to(login_id: UUID) -> str:
    return f"factor:{login_id}"
