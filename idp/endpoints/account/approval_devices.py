"""`/account/approvals`: this browser is set up to approve what is wanted on others, and called what its person likes.

The browser made a key that it cannot show, and signs with it what this form carries: nobody registers a key that is
another's. Where its pushes go comes with it, if the browser could subscribe.
"""

from __future__ import annotations

from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.envelope import Envelope
from config.web import correlation_id
from idp.devices.device import DeviceStorage
from idp.devices.identification import DEVICE_COOKIE, cookie_hash, label_browser
from idp.endpoints.account.door import AccountDoor, Person, as_id, back, record_change
from idp.endpoints.account.factors import changed
from idp.endpoints.account.letters import Letters
from idp.endpoints.account.recovery_codes import PATH, RecoveryCodesPage
from idp.endpoints.approvals.page import signature_of
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.new_factors import LABEL_LONGEST
from idp.factors.push_approval import ApprovalDevice, ApprovalDevices, enrolment_words, is_key, verifies
from idp.factors.push_courier import context
from idp.sessions.signals.changes import ChangeSignals, CredentialChange
from notifications.web_push.subscription import WrongSubscription, decoded, read_subscription

PUBLIC_KEY_LONGEST: Final = 128

Refused = Literal["push_refused", "push_too_many"]


class ApprovalDevicesPage:
    """Takes the forms of the page of factors."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        devices: ApprovalDevices,
        browsers: DeviceStorage,
        recovery_codes: RecoveryCodesPage,
        signals: ChangeSignals,
        envelope: Envelope,
        origin: str,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._devices = devices
        self._browsers = browsers
        self._recovery_codes = recovery_codes
        self._signals = signals
        self._envelope = envelope
        self._origin = origin

    async def add(self, request: Request) -> Response:
        """`POST /account/approvals`: the public half of a key, signed by the other one."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            if "push" in person.forbidden:
                return back(PATH, fault="forbidden")
            made = await self._made(tx, request, person, form)
            refused: Refused | None = None if made is not None else "push_refused"
            codes = None
            if made is not None and not await self._devices.add(tx, made):
                refused = "push_too_many"
            if made is None or refused is not None:
                await record_change(tx, request, Kind.FACTOR_FAILED, person, "push")
            else:
                await changed(tx, request, person, self._letters, "enrolled", "push")
                change = CredentialChange("app", "create", "added", made.label)
                await self._signals.credential_changed(tx, person.account.id, change, correlation_id(request))
                codes = await self._recovery_codes.first_time(tx, request, person)
        if refused is not None:
            return back(PATH, fault=refused)
        await self._letters.poke()
        return await self._recovery_codes.shown(request, person, codes, done="push_added")

    async def rename(self, request: Request) -> Response:
        """`POST /account/approvals/rename`."""
        form = await self._door.form(request)
        ident, label, renamed = as_id(form.get("id")), _label(form), False
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form, dangerous=False)
            if ident is not None and label:
                renamed = await self._devices.rename(tx, person.account.id, ident, label)
        return back(PATH, done="push_renamed") if renamed else back(PATH, fault="not_found")

    async def _made(
        self, tx: Transaction, request: Request, person: Person, form: dict[str, str]
    ) -> ApprovalDevice | None:
        """The device as the form has it; None: its key is none, not its own, or this browser is not the session's."""
        browser = person.session.visitor.device_id
        digest = cookie_hash(request.cookies.get(DEVICE_COOKIE))
        known = await self._browsers.find(tx, person.account.id, digest) if digest is not None else None
        if known is None or known.id != browser:
            return None
        public_key = _decoded(form.get("public_key", "")[:PUBLIC_KEY_LONGEST])
        words = enrolment_words(form.get("hop", ""), public_key, origin=self._origin)
        if not is_key(public_key) or not verifies(public_key, signature_of(form.get("signature", "")), words):
            return None
        ident, sealed, host = self._shared.entropy.uuid(), None, None
        if said := form.get("subscription", ""):
            try:
                host = read_subscription(said).host
            except WrongSubscription:
                return None
            sealed = self._envelope.seal(said.encode(), context(ident))
        return ApprovalDevice(
            id=ident,
            user_id=person.account.id,
            device_id=known.id,
            label=_label(form) or label_browser(request.headers).device or person.account.login_name,
            public_key=public_key,
            created_at=self._shared.clock.now(),
            sealed_subscription=sealed,
            push_host=host,
        )


def _label(form: dict[str, str]) -> str:
    return "".join(filter(str.isprintable, form.get("label", ""))).strip()[:LABEL_LONGEST]


def _decoded(text: str) -> bytes:
    try:
        return decoded(text)
    except ValueError:
        return b""
