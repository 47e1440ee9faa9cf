"""`/sign-in/mail`: signing in by a link that is mailed, without a password.

Whoever asks gets the same answer as quickly, whether or not there is such a person: what depends on that is done after
the answer was sent. The link is bound to the browser that asked, by its login: there one button signs in; any other
browser shows digits to be typed here, and never gets in. Opening a link uses nothing up.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, Literal, Protocol
from urllib.parse import urlencode
from uuid import UUID

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from audit.trail import Kind
from config.connections import Transaction
from config.problem import Problem
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.authorization.step_mac import browser_hash
from idp.credentials.throttle import Allowance, Limit, TooMany, address_subject
from idp.directory.login_name import normalise
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.failure_codes import LINK, failure_code
from idp.endpoints.login.hops import LOGIN_OVER, login_cookies, way_back
from idp.endpoints.login.login_page import LoginPages, read_fields, record_attempt
from idp.endpoints.sign_in.first_factor import FirstFactor, subject
from idp.endpoints.sign_in.guess import NOBODY
from idp.endpoints.sign_in.link_mail import OPEN, LinkMail
from idp.endpoints.sign_in.page import SignInPage
from idp.endpoints.sign_in.recover import show
from idp.endpoints.sign_in.remembering import Recognised
from idp.endpoints.whereabouts import client_ip
from idp.factors.sign_in_link import AMR, SignInLink, token_hash

PATH: Final = "/sign-in/mail"
CONFIRM: Final = "sign_in_link"
"""The step of the hop that the page behind a link sends back."""
LINKS_OF_ADDRESS: Final = Allowance("link-address", 30, 900)
LINKS_OF_LOGIN: Final = Allowance("link-login", 5, 3600)
"""Counted whether or not anybody has the name."""
LINK_AGAIN: Final = Allowance("link-again", 1, 30)
"""Of one name in one login: a mail takes a moment to arrive."""
DIGITS_OF_LOGIN: Final = Allowance("link-digits-login", 10, 3600)
DIGITS_OF_ADDRESS: Final = Allowance("link-digits-address", 60, 900)
Fault = Literal["too_soon", "too_many", "digits"]


class ProvenAddresses(Protocol):
    """Where it is kept which addresses people have proven to be theirs."""

    async def prove(self, tx: Transaction, user_id: UUID, address: str, now: datetime) -> bool:
        """Keep that a person read a secret that was sent to this address. False where that is nothing new."""


class MailLinkPage:
    """The page that asks and waits, and the page behind the link."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        mail: LinkMail,
        first_factor: FirstFactor,
        sign_in: SignInPage,
        addresses: ProvenAddresses,
    ) -> None:
        self._shared = shared
        self._mail = mail
        self._first_factor = first_factor
        self._sign_in = sign_in
        self._addresses = addresses

    async def __call__(self, request: Request) -> Response:
        """`GET` waits; `POST` asks for a link, takes digits, or goes on."""
        if request.method != "POST":
            return await self._wait(request, self._shared.hops.accept(request, Step.SIGN_IN))
        login_id, form = await self._shared.accept_form(request, Step.SIGN_IN)
        if form.get("act") == "ask":
            return await self._ask(request, login_id, form)
        if form.get("act") == "again":
            return await self._again(request, login_id)
        if "digits" in form:
            return await self._digits(request, login_id, form["digits"])
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
        return self._shared.hops.to_dispatcher(login) if login.user_id is not None else _to_waiting(self._shared, login)

    async def open(self, request: Request) -> Response:
        """`GET /sign-in/mail/open` looks, and uses nothing up; `POST` signs in, in the browser that asked."""
        if request.method != "POST":
            return await self._look(request, request.query_params.get("token", ""))
        form = await read_fields(request)
        try:
            login_id = self._shared.hops.accept_form(request, CONFIRM, form.get("hop"))
        except Problem as problem:
            if problem.kind is not LOGIN_OVER:
                raise
            return await self._gone(request)
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.logins.claim(tx, login_id, now)
            link = await self._mail.links.link_of_login(tx, login_id, now) if login is not None else None
            right = link is not None and link.token_hash == token_hash(form.get("token", ""))
            signed_in = None
            if login is not None and link is not None and right:
                signed_in = await self._sign_in_by(tx, request, login, link)
        if signed_in is None:
            return await self._gone(request)
        return self._shared.hops.to_dispatcher(signed_in)

    async def _ask(self, request: Request, login_id: UUID, form: dict[str, str]) -> Response:
        name = "".join(filter(str.isprintable, form.get("login", ""))).strip()
        if form.get("quick") == "yes":
            whose = await self._first_factor.recognised(request)
            name = whose.account.login_name if isinstance(whose, Recognised) else ""
        if not name:
            return await self._sign_in.nameless(request, login_id)
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
        if not await self._mail.offered(login):
            return self._shared.hops.to_dispatcher(login)
        return await self._send(request, login_id, name, remembered=form.get("quick") == "yes")

    async def _again(self, request: Request, login_id: UUID) -> Response:
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
        if login.user_id is not None or not login.name_hint:
            return self._shared.hops.to_dispatcher(login)
        return await self._send(request, login_id, login.name_hint, remembered=False)

    async def _send(self, request: Request, login_id: UUID, name: str, *, remembered: bool) -> Response:
        """The same answer for every name; the link goes out after it."""
        counted: Sequence[tuple[Limit, str]] = [
            (LINKS_OF_ADDRESS, address_subject(client_ip(request))),
            (LINK_AGAIN, f"{login_id}\0{normalise(name) or ''}"),
            (LINKS_OF_LOGIN, str(login_id)),
        ]
        try:
            await self._mail.throttle.attempt_all(counted)
        except TooMany as problem:
            fault: Fault = "too_soon" if problem.seconds <= LINK_AGAIN.seconds else "too_many"
            response = await self._wait(request, login_id, fault)
            response.headers.update(problem.headers)
            return response
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            if not remembered:  # a remembered browser does not tell the login name
                login = login.named(name)
            login = login.waits_until(now + self._mail.lifetime)
            await self._shared.logins.save(tx, login)
        response = _to_waiting(self._shared, login)
        response.background = BackgroundTask(self._mail.send, request, login_id, normalise(name))
        return response

    async def _digits(self, request: Request, login_id: UUID, typed: str) -> Response:
        counted: Sequence[tuple[Limit, str]] = [
            (DIGITS_OF_ADDRESS, address_subject(client_ip(request))),
            (DIGITS_OF_LOGIN, str(login_id)),
        ]
        try:
            await self._mail.throttle.attempt_all(counted)
        except TooMany as problem:
            response = await self._wait(request, login_id, "too_many")
            response.headers.update(problem.headers)
            return response
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            link = await self._mail.links.link_of_login(tx, login_id, now)
            signed_in = None
            if link is not None and self._mail.key.are_right(link, typed):
                signed_in = await self._sign_in_by(tx, request, login, link)
            else:
                await self._failed(tx, request, login, link)
        if signed_in is None:
            return await self._wait(request, login_id, "digits")
        await self._mail.throttle.all_right(counted)
        return self._shared.hops.to_dispatcher(signed_in)

    async def _sign_in_by(self, tx: Transaction, request: Request, login: Login, link: SignInLink) -> Login | None:
        """The login that goes on; the link is used up. None: it signs nobody in any more."""
        if login.user_id is not None or not await self._mail.links.consume_link(tx, link):
            return None
        account = await self._mail.directory.account(tx, link.user_id)
        if account is None or not account.may_sign_in or account.email != link.sent_to:
            await self._failed(tx, request, login, link)
            return None
        now = self._shared.clock.now()
        signed_in = login.signed_in(account.id, AMR, now)
        await self._shared.logins.save(tx, signed_in)
        await self._addresses.prove(tx, account.id, link.sent_to, now)
        details = {"method": "link", "client": login.client_id}
        await record_attempt(tx, request, Kind.SIGN_IN_SUCCEEDED, subject=str(account.id), details=details)
        return signed_in

    async def _failed(self, tx: Transaction, request: Request, login: Login, link: SignInLink | None) -> None:
        """The same work whether or not there is a link."""
        await self._mail.links.count_wrong_digits(tx, login.id)
        whose = str(link.user_id) if link is not None else subject(None, normalise(login.name_hint or ""))
        details = {"method": "link", "client": login.client_id}
        await record_attempt(tx, request, Kind.SIGN_IN_FAILED, subject=whose, details=details)
        person = link.user_id if link is not None else NOBODY
        here = visitor(request, None)
        await self._shared.telling.history.note(tx, person, "failed", here, amr=AMR, client_id=login.client_id)

    async def _wait(self, request: Request, login_id: UUID, fault: Fault | None = None) -> Response:
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
        if "application/json" in request.headers.get("accept", ""):
            state = {"moved": login.user_id is not None}
            return JSONResponse(state, headers={"Cache-Control": "no-store"})
        throttled = fault in ("too_soon", "too_many")
        status = HTTPStatus.TOO_MANY_REQUESTS if throttled else HTTPStatus.UNPROCESSABLE_ENTITY
        return await self._shared.show(
            request,
            login,
            Step.SIGN_IN,
            "link_waiting.html",
            status=status if fault else HTTPStatus.OK,
            moved=login.user_id is not None,
            minutes=int(self._mail.lifetime.total_seconds()) // 60,
            fault=fault,
            code=failure_code([f"link_{fault}"] if fault else []),
        )

    async def _look(self, request: Request, token: str) -> Response:
        async with self._shared.database.connect() as tx:
            now = self._shared.clock.now()
            link = await self._mail.links.find_link(tx, token_hash(token), now)
            login = await self._shared.logins.find(tx, link.login_id, now) if link is not None else None
        if link is None or login is None or login.user_id is not None:
            return await self._gone(request)
        here = any(browser_hash(value) == login.browser_hash for value in login_cookies(request).values())
        asked: dict[str, Any] = {"asked": link.asked_from, "asked_at": link.created_at, "now": now}
        if not here:
            digits = self._mail.key.digits(token)
            status = HTTPStatus.OK
            return await show(
                self._shared, request, login.client_id, "link_digits.html", status=status, digits=digits, **asked
            )
        return await self._shared.show(
            request,
            login,
            Step.SIGN_IN,
            "link_confirm.html",
            token=token,
            confirm_hop=self._shared.hops.hop(login, CONFIRM),
            address=f"{OPEN}?{way_back(login)}",
            **asked,
        )

    async def _gone(self, request: Request) -> Response:
        return await show(self._shared, request, None, "link_gone.html", status=HTTPStatus.GONE, code=LINK)


def _to_waiting(shared: LoginPages, login: Login) -> Response:
    query = urlencode({"hop": shared.hops.hop(login, Step.SIGN_IN)})
    address = f"{PATH}?{query}&{way_back(login)}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
