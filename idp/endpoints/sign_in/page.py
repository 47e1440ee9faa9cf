"""`/sign-in`: the first page of a login. Name and password, or a passkey that the browser offers in the name field.

What was wrong is answered in place: a script that asks for JSON gets the faults for its dialog, everybody else the same
page with a summary on top and the fault beside its field.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from idp.authorization.login import Login
from idp.authorization.login_rules import LoginRulesCache
from idp.authorization.next_step import Step
from idp.credentials.throttle import PASSKEY_OF_ADDRESS, WRONG_AT_BROWSER, Throttle, TooMany, address_subject
from idp.directory.cache import FaceCache
from idp.directory.login_name import normalise
from idp.endpoints.login.arrivals import Enrolments
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.hops import login_cookie
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.presence import support_mail
from idp.endpoints.sign_in.by_push import PushSignIn
from idp.endpoints.sign_in.faults import Fault, wait_words
from idp.endpoints.sign_in.first_factor import FirstFactor, SignedIn, Typed, bound_to, subject
from idp.endpoints.sign_in.link_mail import LinkMail
from idp.endpoints.sign_in.remembering import FORGET, Recognised
from idp.endpoints.whereabouts import client_ip
from idp.federation.offers import OfferCache, Offers
from idp.federation.provider import domain_of
from idp.protocol.assurance import Way

HELP_AFTER = 3
"""Failures, of a browser or of a name that is tried from here, after which help and other ways are offered."""


class SignInPage:
    """Shows the page, and takes what it sends."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        first_factor: FirstFactor,
        enrolments: Enrolments,
        throttle: Throttle,
        passkeys: PasskeyCeremonies,
        offers: OfferCache,
        faces: FaceCache,
        links: LinkMail,
        rules: LoginRulesCache,
        push: PushSignIn,
    ) -> None:
        self._shared = shared
        self._first_factor = first_factor
        self._enrolments = enrolments
        self._throttle = throttle
        self._passkeys = passkeys
        self._offers = offers
        self._faces = faces
        self._links = links
        self._login_rules = rules
        self._push = push

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes a name and a password, or the password of whom this browser remembers."""
        if request.method != "POST":
            login_id = self._shared.hops.accept(request, Step.SIGN_IN)
            return await self._show(request, login_id, Typed(quick="other" not in request.query_params))
        login_id, form = await self._shared.accept_form(request, Step.SIGN_IN)
        typed = _typed(form)
        needed = (("identifier", typed.name or typed.quick), ("password", typed.password))
        led = await self._led(request, login_id, typed)
        if led is not None:
            return led
        missing = [Fault(field, f"missing_{field}") for field, given in needed if not given]
        if missing:
            return await self._wrong(request, login_id, typed, missing)
        try:
            signed_in = await self._first_factor.by_password(request, login_id, typed)
        except TooMany as problem:
            return await self._throttled(request, login_id, typed, problem)
        if isinstance(signed_in, Fault):
            return await self._wrong(request, login_id, typed, [signed_in])
        return self._gone_on(request, signed_in)

    async def nameless(self, request: Request, login_id: UUID) -> Response:
        """Somebody asked for a link by mail, and did not say who they are."""
        return await self._wrong(request, login_id, Typed(), [Fault("identifier", "missing_identifier")])

    async def by_passkey(self, request: Request) -> Response:
        """`POST /sign-in/passkey` takes the answer of an authenticator."""
        login_id, form = await self._shared.accept_form(request, Step.SIGN_IN)
        typed = _typed(form)
        address = address_subject(client_ip(request))
        try:
            await self._throttle.attempt(PASSKEY_OF_ADDRESS, address)
        except TooMany as problem:
            return await self._throttled(request, login_id, typed, problem)
        signed_in = await self._first_factor.by_passkey(request, login_id, typed)
        if isinstance(signed_in, Fault):
            return await self._wrong(request, login_id, typed, [signed_in])
        await self._throttle.was_right(PASSKEY_OF_ADDRESS, address)
        return self._gone_on(request, signed_in)

    async def _led(self, request: Request, login_id: UUID, typed: Typed) -> Response | None:
        """A mail address alone, of an organisation that has a provider of its own: the page offers that one first."""
        if typed.quick or typed.password or domain_of(typed.name) is None:
            return None
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
        if (await self._offered(login, typed.name)).led is None:
            return None
        async with self._shared.database.begin() as tx:
            login = (await self._shared.claim(tx, login_id, self._shared.clock.now())).named(typed.name)
            await self._shared.logins.save(tx, login)
        return _in_its_way(request, self._shared.hops.to_dispatcher(login))

    async def _offered(self, login: Login, name: str) -> Offers:
        home = await self._faces.home(login.client_id)
        return await self._offers.of_login(home.organisation_id if home is not None else None, name)

    def _gone_on(self, request: Request, signed_in: SignedIn) -> Response:
        response = _in_its_way(request, self._shared.hops.to_dispatcher(signed_in.login))
        signed_in.keep.put_on(response)
        return response

    async def _throttled(self, request: Request, login_id: UUID, typed: Typed, problem: TooMany) -> Response:
        if problem.first:
            async with self._shared.database.begin() as tx:
                whose = subject(None, normalise(typed.name))
                await record_attempt(tx, request, Kind.THROTTLED, subject=whose, details={"method": "password"})
        fault = Fault("", "too_many", wait=problem.seconds)
        response = await self._wrong(request, login_id, typed, [fault], HTTPStatus.TOO_MANY_REQUESTS)
        response.headers.update(problem.headers)
        return response

    async def _wrong(
        self,
        request: Request,
        login_id: UUID,
        typed: Typed,
        faults: Sequence[Fault],
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
    ) -> Response:
        needs_help = await self._failed(request, faults)
        code = failure_code(fault.what for fault in faults)
        if not _in_place(request):
            return await self._show(request, login_id, typed, faults, status, code=code, needs_help=needs_help)
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
        shown = await self._shared.presence.of_client(login.client_id)
        document = {
            "faults": self._told(request, login, faults),
            "code": code,
            "help_at": self._shared.pages.help_url(request, code),
            "help": needs_help,
            "ways": _closed(faults),
            "wait": max(fault.wait for fault in faults),
            "reference": correlation_id(request),
            "support_mail": support_mail(shown.support, correlation_id(request)),
        }
        return JSONResponse(document, status, headers={"Cache-Control": "no-store"})

    async def _show(
        self,
        request: Request,
        login_id: UUID,
        typed: Typed,
        faults: Sequence[Fault] = (),
        status: HTTPStatus = HTTPStatus.OK,
        *,
        code: str = "",
        needs_help: bool = False,
    ) -> Response:
        whose = await self._first_factor.recognised(request) if typed.quick else "nobody"
        known = whose.account if isinstance(whose, Recognised) else None
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.find(tx, login_id, now)
            by_passkey = known is not None and "passkey" in await self._enrolments.enrolled(tx, known.id)
            person = known.id if known is not None and by_passkey else None
            forbidden = await self._forbidden(tx, login)
            options = None
            if "passkey" not in forbidden:
                options = await self._passkeys.ask(tx, bound_to=bound_to(login_id), now=now, person=person)
            push = await self._push.shown(tx, login, now) if "push" not in forbidden else None
        locale = self._shared.locale(request, login)
        response = await self._shared.show(
            request,
            login,
            Step.SIGN_IN,
            "sign_in.html",
            status=status,
            name=typed.name or login.name_hint or "",
            offers=await self._offered(login, typed.name or login.name_hint or ""),
            linking=login.linking,
            by_mail=login.linking is None and await self._links.offered(login),
            person=known.display_name if known is not None else None,
            by_passkey=by_passkey and options is not None,
            fell=whose in ("stolen", "forgotten"),
            remember=typed.remember,
            faults=self._told(request, login, faults),
            code=code,
            needs_help=needs_help,
            closed=_closed(faults),
            passkey_options=options,
            push=push,
            approvals_at=self._push.answered_at,
            script_words=self._shared.pages.catalogue.section("sign_in.script", locale),
        )
        if whose in ("stolen", "forgotten"):
            FORGET.put_on(response)
        return response

    async def _forbidden(self, tx: Transaction, login: Login) -> frozenset[Way]:
        """What the client's organisation forbids, which its people are not offered; of anybody else it is not taken."""
        home = await self._faces.home_within(tx, login.client_id)
        if home is None or home.organisation_id is None:
            return frozenset()
        return (await self._login_rules.of(tx, home.organisation_id)).forbidden

    async def _failed(self, request: Request, faults: Sequence[Fault]) -> bool:
        """Note that something was wrong. Returns whether help in detail is due.

        The throttle counts, so that a new page does not begin anew; it counts names that nobody has like any other.
        """
        browser = login_cookie(request)
        of_browser = [(WRONG_AT_BROWSER, browser)] if browser is not None else []
        await self._throttle.attempt_all(of_browser)
        of_name = [fault.counted[0] for fault in faults if fault.counted]  # not the address: many share one
        return await self._throttle.counted([*of_browser, *of_name]) >= HELP_AFTER

    def _told(self, request: Request, login: Login, faults: Sequence[Fault]) -> list[tuple[str, str]]:
        """Field and words of each fault, in the reader's language."""
        locale = self._shared.locale(request, login)
        text = self._shared.pages.catalogue.text
        return [
            (fault.field, text(f"sign_in.fault.{fault.what}", locale, left=wait_words(fault.wait, locale)))
            for fault in faults
        ]


def _typed(form: dict[str, str]) -> Typed:
    return Typed(
        name=form.get("login", "").strip(),
        password=form.get("password", ""),
        answer=form.get("answer", ""),
        remember=form.get("remember") == "yes",
        quick=form.get("quick") == "yes",
    )


def _closed(faults: Sequence[Fault]) -> bool:
    """Whether the other ways are what is left to this person."""
    return any(fault.what.startswith("password_closed") for fault in faults)


def _in_its_way(request: Request, redirect: Response) -> Response:
    """A redirect, as whoever asks can take it."""
    if not _in_place(request):
        return redirect
    return JSONResponse({"go": redirect.headers["location"]}, headers={"Cache-Control": "no-store"})


def _in_place(request: Request) -> bool:
    """Whether our script asks, which shows the answer in the page where the person is."""
    return "application/json" in request.headers.get("accept", "")
