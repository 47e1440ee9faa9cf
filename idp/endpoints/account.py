"""`/account`: what a person changes by themselves about how they sign in.

Only a session of this browser gets here. Whoever changes a factor has signed in a short while ago, and by a second
factor if they have one: a password alone must not be enough to add a way around it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Literal, Protocol
from urllib.parse import urlencode
from uuid import UUID

import pyotp
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from audit.trail import Kind
from config.connections import Transaction
from config.envelope import Envelope
from config.problem import Problem, ProblemType
from idp.authorization.step_mac import StepMac
from idp.credentials.throttle import FACTOR_OF_ACCOUNT, Throttle
from idp.devices.identification import label_browser
from idp.directory.account import Account, Directory
from idp.endpoints.arrivals import Enrolments
from idp.endpoints.hops import FORGED
from idp.endpoints.login_page import LoginPages, read_fields, record_attempt
from idp.endpoints.passkey_ceremony import PasskeyCeremonies, PasskeyKeeping
from idp.factors import totp
from idp.factors.enrolment import Refusal, refusal_to_change
from idp.factors.passkey import PasskeyRefused
from idp.factors.totp import Authenticator, TotpStorage
from idp.sessions.session import Session

FORM = "account"
"""The step of the MAC that every form here carries; it is bound to the session's cookie."""
LABEL_LONGEST = 64
DONE = frozenset({"passkey_added", "passkey_removed", "authenticator_added", "authenticator_removed"})
Outcome = Literal["passkey_refused", "not_found"]

NOT_SIGNED_IN = ProblemType(
    "MJ-IDP-105",
    HTTPStatus.UNAUTHORIZED,
    "Nobody is signed in here",
    "Sign in again from your application.",
)
NOT_NOW = ProblemType(
    "MJ-IDP-106",
    HTTPStatus.FORBIDDEN,
    "How you sign in cannot be changed now",
    "Sign out, sign in again, and change it within 15 minutes.",
)


class AccountFactors(TotpStorage, PasskeyKeeping, Enrolments, Protocol):
    """Where a person's factors are kept."""


@dataclass(frozen=True, slots=True)
class _Person:
    """Whose account this is, by the session of this browser."""

    account: Account
    session: Session
    refusal: Refusal | None


class AccountPages:
    """The page, and the acts on it."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        directory: Directory,
        factors: AccountFactors,
        envelope: Envelope,
        throttle: Throttle,
        passkeys: PasskeyCeremonies,
        mac: StepMac,
        issuer_name: str,
    ) -> None:
        self._shared = shared
        self._directory = directory
        self._factors = factors
        self._envelope = envelope
        self._throttle = throttle
        self._passkeys = passkeys
        self._mac = mac
        self._issuer_name = issuer_name

    async def __call__(self, request: Request) -> Response:
        """`GET /account`."""
        return await self._show(request)

    async def begin_authenticator(self, request: Request) -> Response:
        """`POST /account/authenticator`: a new secret, shown as a QR code until a code of it was typed."""
        form = await self._form(request)
        async with self._shared.database.begin() as tx:
            person = await self._changing(tx, request, form)
            secret = pyotp.random_base32()
            ident = self._shared.entropy.uuid()
            authenticator = Authenticator(
                id=ident,
                user_id=person.account.id,
                label=f"{self._issuer_name} · {person.account.login_name}",
                sealed_secret=self._envelope.seal(secret.encode(), totp.context(ident)),
                last_accepted_step=0,
                created_at=self._shared.clock.now(),
                confirmed_at=None,
            )
            await self._factors.begin_enrolment(tx, authenticator)
        return self._show_secret(request, person, secret)

    async def confirm_authenticator(self, request: Request) -> Response:
        """`POST /account/authenticator/confirm`: the first code of the new app."""
        form = await self._form(request)
        async with self._shared.database.connect() as tx:
            person = await self._changing(tx, request, form)
        await self._throttle.attempt(FACTOR_OF_ACCOUNT, str(person.account.id))
        async with self._shared.database.begin() as tx:
            pending = await self._factors.pending(tx, person.account.id)
            if pending is None:
                return _back()
            secret = self._envelope.open(pending.sealed_secret, totp.context(pending.id)).decode()
            now = self._shared.clock.now()
            step = totp.matching_step(
                secret, form.get("code", ""), last_accepted_step=0, now=self._shared.clock.timestamp()
            )
            if step is None or not await self._factors.accept_step(tx, pending.id, step):
                await self._record(tx, request, Kind.FACTOR_FAILED, person, "totp")
                return self._show_secret(request, person, secret, fault="wrong_code")
            await self._factors.confirm(tx, pending.id, now)
            await self._record(tx, request, Kind.FACTOR_ENROLLED, person, "totp")
        await self._throttle.was_right(FACTOR_OF_ACCOUNT, str(person.account.id))
        return _back(done="authenticator_added")

    async def remove_authenticator(self, request: Request) -> Response:
        """`POST /account/authenticator/remove`."""
        form = await self._form(request)
        async with self._shared.database.begin() as tx:
            person = await self._changing(tx, request, form)
            try:
                ident = UUID(form.get("id", ""))
            except ValueError:
                ident = None
            removed = ident is not None and await self._factors.remove(tx, person.account.id, ident)
            if removed:
                await self._record(tx, request, Kind.FACTOR_REMOVED, person, "totp")
        return _back(done="authenticator_removed") if removed else await self._show(request, "not_found")

    async def add_passkey(self, request: Request) -> Response:
        """`POST /account/passkey`: the answer of an authenticator that made a new passkey."""
        form = await self._form(request)
        async with self._shared.database.begin() as tx:
            person = await self._changing(tx, request, form)
            typed = "".join(filter(str.isprintable, form.get("label", ""))).strip()
            try:
                await self._passkeys.register(
                    tx,
                    form.get("answer", ""),
                    user_id=person.account.id,
                    label=typed[:LABEL_LONGEST] or label_browser(request.headers).device or person.account.login_name,
                    bound_to=_bound_to(person.session),
                    now=self._shared.clock.now(),
                )
            except PasskeyRefused:
                refused = True
            else:
                refused = False
            kind = Kind.FACTOR_FAILED if refused else Kind.FACTOR_ENROLLED
            await self._record(tx, request, kind, person, "passkey")
        return await self._show(request, "passkey_refused") if refused else _back(done="passkey_added")

    async def remove_passkey(self, request: Request) -> Response:
        """`POST /account/passkey/remove`."""
        form = await self._form(request)
        async with self._shared.database.begin() as tx:
            person = await self._changing(tx, request, form)
            try:
                credential_id = bytes.fromhex(form.get("id", ""))
            except ValueError:
                credential_id = b""
            removed = await self._factors.remove_passkey(tx, person.account.id, credential_id)
            if removed:
                await self._record(tx, request, Kind.FACTOR_REMOVED, person, "passkey")
        return _back(done="passkey_removed") if removed else await self._show(request, "not_found")

    async def _person(self, tx: Transaction, request: Request, now: datetime) -> _Person | None:
        session = await self._shared.arrivals.own(tx, request, now)
        account = await self._directory.account(tx, session.user_id) if session is not None else None
        if session is None or account is None or not account.may_sign_in:
            return None
        enrolled = await self._factors.enrolled(tx, account.id)
        refusal = refusal_to_change(enrolled, session.amr, session.authenticated_at, now)
        return _Person(account, session, refusal)

    async def _form(self, request: Request) -> dict[str, str]:
        """The fields of a form that our own page sent. Raises `FORGED`, `UNREADABLE`."""
        self._shared.hops.refuse_foreign(request)
        return await read_fields(request)

    async def _changing(self, tx: Transaction, request: Request, form: dict[str, str]) -> _Person:
        """Who changes something by this form. Raises `NOT_SIGNED_IN`, `FORGED`, `NOT_NOW`."""
        person = await self._person(tx, request, self._shared.clock.now())
        if person is None:
            raise Problem(NOT_SIGNED_IN)
        if not hmac.compare_digest(form.get("hop", "").encode(), self._hop(person.session).encode()):
            raise Problem(FORGED, private="the form of another session")
        if person.refusal is not None:
            raise Problem(NOT_NOW, private=person.refusal)
        return person

    def _hop(self, session: Session) -> str:
        return self._mac.issue(session.user_id, FORM, session.cookie_hash)

    async def _show(self, request: Request, fault: Outcome | None = None) -> Response:
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            person = await self._person(tx, request, now)
            if person is None:
                return self._shared.pages.respond(request, "account_signed_out.html", status=HTTPStatus.UNAUTHORIZED)
            options = None
            if person.refusal is None:
                options = await self._passkeys.offer(
                    tx,
                    user_id=person.account.id,
                    login_name=person.account.login_name,
                    display_name=person.account.display_name,
                    bound_to=_bound_to(person.session),
                    now=now,
                )
            passkeys = await self._factors.passkeys(tx, person.account.id)
            authenticators = await self._factors.authenticators(tx, person.account.id)
        done = request.query_params.get("done", "")
        return self._shared.pages.respond(
            request,
            "account.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
            account=person.account,
            session=person.session,
            passkeys=passkeys,
            authenticators=authenticators,
            passkey_options=options,
            suggested_label=label_browser(request.headers).device,
            hop=self._hop(person.session),
            refusal=person.refusal,
            fault=fault,
            done=done if done in DONE and not fault else None,
        )

    def _show_secret(self, request: Request, person: _Person, secret: str, fault: str | None = None) -> Response:
        uri = totp.provisioning_uri(secret, login_name=person.account.login_name, issuer=self._issuer_name)
        return self._shared.pages.respond(
            request,
            "authenticator.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
            qr_code=totp.qr_code(uri),
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            hop=self._hop(person.session),
            fault=fault,
        )

    async def _record(self, tx: Transaction, request: Request, kind: Kind, person: _Person, method: str) -> None:
        await record_attempt(
            tx,
            request,
            kind,
            subject=str(person.account.id),
            sid=person.session.sid,
            details={"method": method},
        )


def _bound_to(session: Session) -> str:
    return f"account:{session.sid}"


def _back(**said: str) -> Response:
    query = f"?{urlencode(said)}" if said else ""
    return RedirectResponse(f"/account{query}", HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
