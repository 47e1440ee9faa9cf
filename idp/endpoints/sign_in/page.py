"""`/sign-in`: the first page of a login. Name and password, or a passkey that the browser offers in the name field."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from idp.authorization.login import Login
from idp.authorization.next_step import Step
from idp.credentials.password import PasswordPool, PasswordStorage
from idp.credentials.throttle import (
    PASSWORD_OF_ACCOUNT,
    PASSWORD_OF_ADDRESS,
    Throttle,
    TooMany,
    account_subject,
    address_subject,
)
from idp.devices.device import DeviceStorage
from idp.devices.identification import DEVICE_COOKIE, cookie_hash
from idp.directory.account import Account, Directory
from idp.directory.login_name import normalise
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.factors.passkey import PasskeyRefused
from idp.protocol.assurance import MULTIPLE_FACTORS

HELP_AFTER = 3
"""Failures on one page after which other ways and help are offered."""
PASSWORD_AMR = ("pwd",)
NOBODY = UUID(int=0)
"""Who is looked up where nobody has the name, so that it takes as long."""


@dataclass(frozen=True, slots=True)
class _Typed:
    """What was typed, and how often something wrong was typed before; that number only decides what help is shown."""

    name: str
    password: str
    failures: int


@dataclass(frozen=True, slots=True)
class _Found:
    """Whom the name names, if anybody; a name that nobody has goes the same way to the same end."""

    account: Account | None
    stored: str | None
    known_device: UUID | None


class SignInPage:
    """Shows the page, and takes what it sends."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        directory: Directory,
        passwords: PasswordStorage,
        devices: DeviceStorage,
        pool: PasswordPool,
        throttle: Throttle,
        passkeys: PasskeyCeremonies,
    ) -> None:
        self._shared = shared
        self._directory = directory
        self._passwords = passwords
        self._devices = devices
        self._pool = pool
        self._throttle = throttle
        self._passkeys = passkeys

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes a name and a password."""
        if request.method != "POST":
            login_id = self._shared.hops.accept(request, Step.SIGN_IN)
            return await self._show(request, login_id)
        login_id, form = await self._shared.accept_form(request, Step.SIGN_IN)
        typed = _Typed(form.get("identifier", "").strip(), form.get("password", ""), _count(form.get("failures")))
        missing = [field for field, text in (("identifier", typed.name), ("password", typed.password)) if not text]
        if missing:
            return await self._show(request, login_id, typed, [(field, f"missing_{field}") for field in missing])
        try:
            signed_in = await self._sign_in(request, login_id, typed)
        except TooMany as problem:
            return await self._throttled(request, login_id, typed, problem)
        if signed_in is None:
            return await self._show(request, login_id, typed, [("password", "wrong")])
        return self._shared.hops.to_dispatcher(signed_in)

    async def by_passkey(self, request: Request) -> Response:
        """`POST /sign-in/passkey` takes the answer of an authenticator."""
        login_id, form = await self._shared.accept_form(request, Step.SIGN_IN)
        address = address_subject(visitor(request, None).ip)
        await self._throttle.attempt(PASSWORD_OF_ADDRESS, address)
        async with self._shared.database.begin() as tx:
            signed_in = await self._take_passkey(tx, request, login_id, form.get("answer", ""))
        if signed_in is None:
            typed = _Typed("", "", _count(form.get("failures")))
            return await self._show(request, login_id, typed, [("", "passkey_refused")])
        await self._throttle.was_right(PASSWORD_OF_ADDRESS, address)
        return self._shared.hops.to_dispatcher(signed_in)

    async def _sign_in(self, request: Request, login_id: UUID, typed: _Typed) -> Login | None:
        address = address_subject(visitor(request, None).ip)
        await self._throttle.attempt(PASSWORD_OF_ADDRESS, address)
        name = normalise(typed.name)
        async with self._shared.database.connect() as tx:
            found = await self._find(tx, request, name)
        subject = account_subject(name or "", found.known_device)
        await self._throttle.attempt(PASSWORD_OF_ACCOUNT, subject)
        verified = await self._pool.verify(typed.password, found.stored)
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            right = verified.correct and await self._still_so(tx, found, verified.stronger_hash)
            if not right or found.account is None:
                await record_attempt(
                    tx,
                    request,
                    Kind.SIGN_IN_FAILED,
                    subject=_subject(found.account, name),
                    details={"method": "password", "client": login.client_id},
                )
                if name is not None:
                    await self._shared.logins.save(tx, login.named(name))
                return None
            login = login.named(found.account.login_name).signed_in(found.account.id, PASSWORD_AMR, now)
            await self._shared.logins.save(tx, login)
            await record_attempt(
                tx,
                request,
                Kind.SIGN_IN_SUCCEEDED,
                subject=str(found.account.id),
                details={"method": "password", "client": login.client_id},
            )
        await self._throttle.was_right(PASSWORD_OF_ADDRESS, address)
        await self._throttle.was_right(PASSWORD_OF_ACCOUNT, subject)
        return login

    async def _find(self, tx: Transaction, request: Request, name: str | None) -> _Found:
        account = await self._directory.account_by_login_name(tx, name) if name is not None else None
        person = account.id if account is not None else NOBODY
        digest = cookie_hash(request.cookies.get(DEVICE_COOKIE))
        device = await self._devices.find(tx, person, digest) if digest is not None else None
        known = device.id if device is not None and device.trust != "unknown" else None
        return _Found(account, await self._passwords.password_hash(tx, person), known)

    async def _still_so(self, tx: Transaction, found: _Found, stronger: str | None) -> bool:
        """Whether the password that was compared is still the person's; a stronger hash of it takes its place."""
        assert found.account is not None
        assert found.stored is not None
        if stronger is not None:
            return await self._passwords.replace_hash(tx, found.account.id, found.stored, stronger)
        return await self._passwords.password_hash(tx, found.account.id) == found.stored

    async def _take_passkey(self, tx: Transaction, request: Request, login_id: UUID, answer: str) -> Login | None:
        now = self._shared.clock.now()
        login = await self._shared.claim(tx, login_id, now)
        details: dict[str, object] = {"method": "passkey", "client": login.client_id}
        try:
            passkey = await self._passkeys.answer(tx, answer, bound_to=_bound_to(login_id), now=now)
        except PasskeyRefused as error:
            details["why"] = f"{type(error).__name__}: {error}"[:200]
            await record_attempt(tx, request, Kind.SIGN_IN_FAILED, subject="", details=details)
            return None
        login = login.signed_in(passkey.user_id, (*passkey.amr, MULTIPLE_FACTORS), now)
        live = await self._shared.arrivals.live(tx, passkey.user_id, now)
        if live is not None:
            # a passkey with user verification is a first and a second factor: it passes for what this login now faces
            login = login.facing(live.sid).passed_factor(passkey.amr, now)
        await self._shared.logins.save(tx, login)
        await record_attempt(tx, request, Kind.SIGN_IN_SUCCEEDED, subject=str(passkey.user_id), details=details)
        return login

    async def _throttled(self, request: Request, login_id: UUID, typed: _Typed, problem: TooMany) -> Response:
        if problem.first:
            async with self._shared.database.begin() as tx:
                subject = _subject(None, normalise(typed.name))
                await record_attempt(tx, request, Kind.THROTTLED, subject=subject, details={"method": "password"})
        response = await self._show(request, login_id, typed, [("", "too_many")], HTTPStatus.TOO_MANY_REQUESTS)
        response.headers.update(problem.headers)
        return response

    async def _show(
        self,
        request: Request,
        login_id: UUID,
        typed: _Typed | None = None,
        faults: list[tuple[str, str]] | None = None,
        status: HTTPStatus | None = None,
    ) -> Response:
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.find(tx, login_id, now)
            options = await self._passkeys.ask(tx, bound_to=_bound_to(login_id), now=now)
        failures = typed.failures + 1 if typed is not None else 0
        return await self._shared.show(
            request,
            login,
            Step.SIGN_IN,
            "sign_in.html",
            status=status or (HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK),
            name=(typed.name if typed is not None else login.name_hint) or "",
            faults=faults or [],
            failures=failures,
            needs_help=failures >= HELP_AFTER,
            passkey_options=options,
        )


def _bound_to(login_id: UUID) -> str:
    return f"sign-in:{login_id}"


def _count(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 4 else 0


def _subject(account: Account | None, name: str | None) -> str:
    """Whom an attempt is about. A name that nobody has is kept as a digest: it may be a password in the wrong field."""
    if account is not None:
        return str(account.id)
    return "name:" + hashlib.sha256((name or "").encode("utf-8", "surrogatepass")).hexdigest()[:16]
