"""`/account`: what a person sees and changes by themselves of how they sign in."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal, Protocol
from uuid import UUID

import pyotp
from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.envelope import Envelope
from idp.credentials.throttle import FACTOR_OF_ACCOUNT, Throttle
from idp.devices.identification import label_browser
from idp.endpoints.account.door import AccountDoor, Person, back, record_change
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies, PasskeyKeeping
from idp.factors import totp
from idp.factors.passkey import PasskeyRefused
from idp.factors.totp import Authenticator, TotpStorage
from idp.sessions.session import Session

LABEL_LONGEST = 64
DONE = frozenset({"passkey_added", "passkey_removed", "authenticator_added", "authenticator_removed"})
Outcome = Literal["passkey_refused", "not_found"]


class AccountFactors(TotpStorage, PasskeyKeeping, Protocol):
    """Where a person's factors are kept."""


class AccountPages:
    """The page, and the acts on it."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        factors: AccountFactors,
        envelope: Envelope,
        throttle: Throttle,
        passkeys: PasskeyCeremonies,
        issuer_name: str,
    ) -> None:
        self._shared = shared
        self._door = door
        self._factors = factors
        self._envelope = envelope
        self._throttle = throttle
        self._passkeys = passkeys
        self._issuer_name = issuer_name

    async def __call__(self, request: Request) -> Response:
        """`GET /account`."""
        return await self._show(request)

    async def begin_authenticator(self, request: Request) -> Response:
        """`POST /account/authenticator`: a new secret, shown as a QR code until a code of it was typed."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
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
        form = await self._door.form(request)
        async with self._shared.database.connect() as tx:
            person = await self._door.changing(tx, request, form)
        await self._throttle.attempt(FACTOR_OF_ACCOUNT, str(person.account.id))
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            pending = await self._factors.pending(tx, person.account.id)
            if pending is None:
                return back()
            secret = self._envelope.open(pending.sealed_secret, totp.context(pending.id)).decode()
            now = self._shared.clock.now()
            step = totp.matching_step(
                secret, form.get("code", ""), last_accepted_step=0, now=self._shared.clock.timestamp()
            )
            if step is None or not await self._factors.accept_step(tx, pending.id, step):
                await record_change(tx, request, Kind.FACTOR_FAILED, person, "totp")
                return self._show_secret(request, person, secret, fault="wrong_code")
            await self._factors.confirm(tx, pending.id, now)
            await record_change(tx, request, Kind.FACTOR_ENROLLED, person, "totp")
        await self._throttle.was_right(FACTOR_OF_ACCOUNT, str(person.account.id))
        return back(done="authenticator_added")

    async def remove_authenticator(self, request: Request) -> Response:
        """`POST /account/authenticator/remove`."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            try:
                ident = UUID(form.get("id", ""))
            except ValueError:
                ident = None
            removed = ident is not None and await self._factors.remove(tx, person.account.id, ident)
            if removed:
                await record_change(tx, request, Kind.FACTOR_REMOVED, person, "totp")
        return back(done="authenticator_removed") if removed else await self._show(request, "not_found")

    async def add_passkey(self, request: Request) -> Response:
        """`POST /account/passkey`: the answer of an authenticator that made a new passkey."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
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
            await record_change(tx, request, kind, person, "passkey")
        return await self._show(request, "passkey_refused") if refused else back(done="passkey_added")

    async def remove_passkey(self, request: Request) -> Response:
        """`POST /account/passkey/remove`."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            try:
                credential_id = bytes.fromhex(form.get("id", ""))
            except ValueError:
                credential_id = b""
            removed = await self._factors.remove_passkey(tx, person.account.id, credential_id)
            if removed:
                await record_change(tx, request, Kind.FACTOR_REMOVED, person, "passkey")
        return back(done="passkey_removed") if removed else await self._show(request, "not_found")

    async def _show(self, request: Request, fault: Outcome | None = None) -> Response:
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            person = await self._door.person(tx, request)
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
            hop=self._door.hop(person.session),
            refusal=person.refusal,
            fault=fault,
            done=done if done in DONE and not fault else None,
        )

    def _show_secret(self, request: Request, person: Person, secret: str, fault: str | None = None) -> Response:
        uri = totp.provisioning_uri(secret, login_name=person.account.login_name, issuer=self._issuer_name)
        return self._shared.pages.respond(
            request,
            "authenticator.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
            qr_code=totp.qr_code(uri),
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            hop=self._door.hop(person.session),
            fault=fault,
        )


def _bound_to(session: Session) -> str:
    return f"account:{session.sid}"
