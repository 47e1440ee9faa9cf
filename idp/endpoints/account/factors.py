"""`/account/factors`: passkeys come, factors go, and their person is told of each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal, Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from idp.devices.identification import label_browser
from idp.endpoints.account.door import AccountDoor, Person, as_id, back, record_change
from idp.endpoints.account.letters import Letters
from idp.endpoints.account.recovery_codes import DONE, PATH, RecoveryCodesPage
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.new_factors import NewFactors
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies, PasskeyKeeping
from idp.factors.passkey import PasskeyRefused
from idp.factors.recovery_code import FEW
from idp.factors.totp import TotpStorage
from idp.federation.links import WaysIn
from idp.sessions.session import Session
from idp.sessions.signals.changes import ChangeSignals, CredentialChange, CredentialType, passkey_type
from notifications.notice import NoticeKind

Fault = Literal["passkey_refused", "not_found", "last_way"]
FactorName = Literal["passkey", "totp", "upstream"]


class AccountFactors(TotpStorage, PasskeyKeeping, Protocol):
    """Where a person's factors are kept."""


@dataclass(frozen=True, slots=True)
class Removable:
    """A factor that the person asks to remove."""

    kind: Literal["passkey", "totp"]
    ident: str
    label: str
    last: bool
    """They have no other one: from then on the password is all there is."""
    credential_type: CredentialType
    """As subscribers are told of it."""
    aaguid: str = ""


class OtherWays(Protocol):
    """Where it is known by what else a person can begin to sign in."""

    async def ways_in(self, tx: Transaction, user_id: UUID) -> WaysIn:
        """By what a person can begin to sign in."""


class FactorsPage:
    """The page, passkeys that come, and factors that go."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        factors: AccountFactors,
        passkeys: PasskeyCeremonies,
        new_factors: NewFactors,
        recovery_codes: RecoveryCodesPage,
        signals: ChangeSignals,
        other_ways: OtherWays,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._factors = factors
        self._passkeys = passkeys
        self._new_factors = new_factors
        self._recovery_codes = recovery_codes
        self._signals = signals
        self._other_ways = other_ways

    async def __call__(self, request: Request) -> Response:
        """`GET /account/factors`."""
        return await self._show(request)

    async def add_passkey(self, request: Request) -> Response:
        """`POST /account/passkey`: the answer of an authenticator that made a new passkey."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            try:
                await self._new_factors.add_passkey(
                    tx,
                    request,
                    person.account,
                    form.get("answer", ""),
                    form.get("label", ""),
                    bound_to=_bound_to(person.session),
                )
            except PasskeyRefused:
                refused, codes = True, None
                await record_change(tx, request, Kind.FACTOR_FAILED, person, "passkey")
            else:
                refused = False
                await changed(tx, request, person, self._letters, "enrolled", "passkey")
                codes = await self._recovery_codes.first_time(tx, request, person)
        if refused:
            return await self._show(request, "passkey_refused")
        await self._letters.poke()
        return await self._recovery_codes.shown(request, person, codes, done="passkey_added")

    async def ask_to_remove(self, request: Request) -> Response:
        """`GET /account/factors/remove?kind=&id=`: what a removal means, most of all that of the last one."""
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            found = await self._find(tx, person, request.query_params)
        if found is None:
            return await self._show(request, "not_found")
        return await self._door.show(request, person, "account_factor_remove.html", factor=found)

    async def remove(self, request: Request) -> Response:
        """`POST /account/factors/remove`."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            found = await self._find(tx, person, form)
            last = found is not None and await self._is_last_way_in(tx, person, found)
            removed = found is not None and not last and await self._remove(tx, person, found)
            if found is not None and removed:
                await changed(tx, request, person, self._letters, "removed", found.kind)
                change = CredentialChange(found.credential_type, "delete", "removed", found.label, found.aaguid)
                await self._signals.credential_changed(tx, person.account.id, change, correlation_id(request))
                if found.last:
                    await self._recovery_codes.forget(tx, request, person)
        if found is None or not removed:
            return await self._show(request, "last_way" if last else "not_found")
        await self._letters.poke()
        return back(PATH, done=f"{found.kind}_removed")

    async def _is_last_way_in(self, tx: Transaction, person: Person, found: Removable) -> bool:
        return found.kind == "passkey" and (await self._other_ways.ways_in(tx, person.account.id)).only_one

    async def _find(self, tx: Transaction, person: Person, named: Mapping[str, str]) -> Removable | None:
        kind, ident = named.get("kind", ""), named.get("id", "")
        passkeys = await self._factors.passkeys(tx, person.account.id)
        apps = await self._factors.authenticators(tx, person.account.id)
        last = len(passkeys) + len(apps) == 1
        if kind == "passkey":
            return next(
                (
                    Removable("passkey", ident, one.label, last, passkey_type(one.transports), one.aaguid)
                    for one in passkeys
                    if one.credential_id.hex() == ident
                ),
                None,
            )
        if kind == "totp":
            return next(
                (Removable("totp", ident, one.label, last, "app") for one in apps if str(one.id) == ident), None
            )
        return None

    async def _remove(self, tx: Transaction, person: Person, found: Removable) -> bool:
        if found.kind == "passkey":
            return await self._factors.remove_passkey(tx, person.account.id, bytes.fromhex(found.ident))
        ident = as_id(found.ident)
        return ident is not None and await self._factors.remove(tx, person.account.id, ident)

    async def _show(self, request: Request, fault: Fault | None = None) -> Response:
        async with self._shared.database.begin() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            options = None
            if person.refusal is None:
                options = await self._passkeys.offer(
                    tx,
                    user_id=person.account.id,
                    login_name=person.account.login_name,
                    display_name=person.account.display_name,
                    bound_to=_bound_to(person.session),
                    now=self._shared.clock.now(),
                )
            passkeys = await self._factors.passkeys(tx, person.account.id)
            authenticators = await self._factors.authenticators(tx, person.account.id)
            saved_codes = await self._recovery_codes.left(tx, person)
        done = request.query_params.get("done", "")
        return await self._door.show(
            request,
            person,
            "account_factors.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
            passkeys=passkeys,
            authenticators=authenticators,
            saved_codes=saved_codes,
            few=saved_codes <= FEW,
            passkey_options=options,
            suggested_label=label_browser(request.headers).device,
            fault=fault,
            code=failure_code(["passkey_refused"] if fault == "passkey_refused" else []),
            done=done if done in DONE and not fault else None,
        )


async def changed(
    tx: Transaction,
    request: Request,
    person: Person,
    letters: Letters,
    change: Literal["enrolled", "removed"],
    factor: FactorName,
) -> None:
    """A factor came or went: for the audit, and for its person."""
    kind = Kind.FACTOR_ENROLLED if change == "enrolled" else Kind.FACTOR_REMOVED
    await record_change(tx, request, kind, person, factor)
    await letters.put(tx, request, person, NoticeKind.FACTOR_CHANGED, change=change, factor=factor)


def _bound_to(session: Session) -> str:
    return f"account:{session.sid}"
