"""`/account/authenticator`: an authenticator app is connected; it counts once a code of it was typed."""

from __future__ import annotations

from http import HTTPStatus

import pyotp
from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.envelope import Envelope
from config.web import correlation_id
from idp.credentials.factor_guesses import factor_guesses
from idp.credentials.throttle import Throttle
from idp.endpoints.account.door import AccountDoor, Person, back, record_change
from idp.endpoints.account.factors import LABEL_LONGEST, changed, given_name
from idp.endpoints.account.letters import Letters
from idp.endpoints.account.recovery_codes import PATH, RecoveryCodesPage
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.whereabouts import client_ip
from idp.factors import totp
from idp.factors.totp import Authenticator, TotpStorage
from idp.sessions.signals.changes import ChangeSignals, CredentialChange


class AuthenticatorPage:
    """Shows a new secret, and takes its first code."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        authenticators: TotpStorage,
        envelope: Envelope,
        throttle: Throttle,
        recovery_codes: RecoveryCodesPage,
        signals: ChangeSignals,
        issuer_name: str,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._authenticators = authenticators
        self._envelope = envelope
        self._throttle = throttle
        self._recovery_codes = recovery_codes
        self._signals = signals
        self._issuer_name = issuer_name

    async def begin(self, request: Request) -> Response:
        """`POST /account/authenticator`: a new secret, shown as a QR code until a code of it was typed."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            if len(await self._authenticators.authenticators(tx, person.account.id)) >= totp.MOST:
                return back(PATH)  # the page offers no more of them
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
            await self._authenticators.begin_enrolment(tx, authenticator)
        return await self._show(request, person, secret)

    async def confirm(self, request: Request) -> Response:
        """`POST /account/authenticator/confirm`: the first code of the new app."""
        form = await self._door.form(request)
        async with self._shared.database.connect() as tx:
            person = await self._door.changing(tx, request, form)
        device = person.session.visitor.device_id
        counted = factor_guesses(person.account.id, client_ip(request), device)
        await self._throttle.attempt_all(counted)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            pending = await self._authenticators.pending(tx, person.account.id)
            if pending is None:
                return back(PATH)
            secret = self._envelope.open(pending.sealed_secret, totp.context(pending.id)).decode()
            step = totp.matching_step(
                secret, form.get("code", ""), last_accepted_step=0, now=self._shared.clock.timestamp()
            )
            if step is None or not await self._authenticators.accept_step(tx, pending.id, step):
                await record_change(tx, request, Kind.FACTOR_FAILED, person, "totp")
                return await self._show(request, person, secret, form.get("label", ""), fault="wrong_code")
            name = given_name(form.get("label", ""))
            await self._authenticators.confirm(tx, pending.id, self._shared.clock.now(), name)
            await changed(tx, request, person, self._letters, "enrolled", "totp")
            change = CredentialChange("app", "create", "added", name or pending.label)
            await self._signals.credential_changed(tx, person.account.id, change, correlation_id(request))
            codes = await self._recovery_codes.first_time(tx, request, person)
        await self._throttle.all_right(counted)
        await self._letters.poke()
        return await self._recovery_codes.shown(request, person, codes, done="totp_added")

    async def _show(
        self, request: Request, person: Person, secret: str, label: str = "", fault: str | None = None
    ) -> Response:
        uri = totp.provisioning_uri(secret, login_name=person.account.login_name, issuer=self._issuer_name)
        return await self._door.show(
            request,
            person,
            "account_authenticator.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
            qr_code=totp.qr_code(uri),
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            label=label[:LABEL_LONGEST],
            longest=LABEL_LONGEST,
            fault=fault,
            code=failure_code([fault] if fault else []),
        )
