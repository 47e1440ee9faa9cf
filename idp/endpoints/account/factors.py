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
from idp.endpoints.account.numbers import OwnNumbers
from idp.endpoints.account.recovery_codes import DONE, PATH, RecoveryCodesPage
from idp.endpoints.login.failure_codes import CODES, failure_code
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.new_factors import NewFactors, given_name
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies, PasskeyKeeping
from idp.factors import totp
from idp.factors.attestation import Refusal
from idp.factors.passkey import KeyNotTaken, PasskeyRefused
from idp.factors.push_approval import ApprovalDevices
from idp.factors.recovery_code import FEW
from idp.factors.totp import TotpStorage
from idp.federation.links import WaysIn
from idp.sessions.session import Session
from idp.sessions.signals.changes import ChangeSignals, CredentialChange, CredentialType, passkey_type
from notifications.notice import NoticeKind

Fault = (
    Literal["passkey_refused", "not_found", "forbidden", "last_way", "last_demanded", "push_refused", "push_too_many"]
    | Refusal
)
SAID: tuple[Fault, ...] = ("not_found", "forbidden", "push_refused", "push_too_many")
"""What another form sends back here with."""
FactorName = Literal["passkey", "push", "totp", "sms", "upstream"]


class AccountFactors(TotpStorage, PasskeyKeeping, Protocol):
    """Where a person's factors are kept."""


@dataclass(frozen=True, slots=True)
class Removable:
    """A factor that the person asks to remove."""

    kind: Literal["passkey", "push", "totp", "sms"]
    ident: str
    label: str
    last: bool
    """They have no other one: from then on the password is all there is."""
    credential_type: CredentialType
    """As subscribers are told of it."""
    aaguid: str = ""
    copied: bool = False
    """It is refused already, since there may be two of it: it is no way in."""


class OtherWays(Protocol):
    """Where it is known by what else a person can begin to sign in."""

    async def ways_in(self, tx: Transaction, user_id: UUID) -> WaysIn:
        """By what a person can begin to sign in."""


class Demanded(Protocol):
    """Where it is known whether an organisation demands a second factor of a person."""

    async def factor_demanded(self, tx: Transaction, user_id: UUID) -> bool:
        """Whether they may not be left without one."""


class KnownNames(Protocol):
    """What makers call models of authenticators."""

    def name_of(self, aaguid: str) -> str:
        """The name of a model; empty: unknown."""


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
        demanded: Demanded,
        models: KnownNames,
        numbers: OwnNumbers,
        approving: ApprovalDevices,
        vapid_key: str,
        origin: str,
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
        self._demanded = demanded
        self._models = models
        self._numbers = numbers
        self._approving = approving
        self._vapid_key = vapid_key
        self._origin = origin

    async def __call__(self, request: Request) -> Response:
        """`GET /account/factors`."""
        said = request.query_params.get("fault")
        return await self._show(request, next((fault for fault in SAID if fault == said), None))

    async def add_passkey(self, request: Request) -> Response:
        """`POST /account/passkey`: the answer of an authenticator that made a new passkey."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            if "passkey" in person.forbidden:
                return back(PATH, fault="forbidden")
            try:
                await self._new_factors.add_passkey(
                    tx,
                    request,
                    person.account,
                    form.get("answer", ""),
                    form.get("label", ""),
                    bound_to=_bound_to(person.session),
                )
            except PasskeyRefused as error:
                refused: Fault | None = error.why if isinstance(error, KeyNotTaken) else "passkey_refused"
                codes = None
                await record_change(
                    tx, request, Kind.FACTOR_FAILED, person, "passkey", details={"why": str(error)[:200]}
                )
            else:
                refused = None
                await changed(tx, request, person, self._letters, "enrolled", "passkey")
                codes = await self._recovery_codes.first_time(tx, request, person)
        if refused is not None:
            return await self._show(request, refused)
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
            kept = await self._stays(tx, person, found) if found is not None else None
            removed = found is not None and kept is None and await self._remove(tx, person, found)
            if found is not None and removed:
                await changed(tx, request, person, self._letters, "removed", found.kind)
                change = CredentialChange(found.credential_type, "delete", "removed", found.label, found.aaguid)
                await self._signals.credential_changed(tx, person.account.id, change, correlation_id(request))
                if found.last:
                    await self._recovery_codes.forget(tx, request, person)
        if found is None or not removed:
            return await self._show(request, kept or "not_found")
        await self._letters.poke()
        return back(PATH, done=f"{found.kind}_removed")

    async def rename(self, request: Request) -> Response:
        """`POST /account/factors/rename`. An empty name changes nothing."""
        form = await self._door.form(request)
        name = given_name(form.get("name", ""))
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form, dangerous=False)
            found = await self._find(tx, person, form)
            renamed = found is not None and bool(name) and await self._rename(tx, person, found, name)
            if found is not None and renamed:
                details = {"was": found.label, "is": name}
                await record_change(tx, request, Kind.FACTOR_RENAMED, person, found.kind, details=details)
        if found is None:
            return await self._show(request, "not_found")
        return back(PATH, **({"done": "renamed"} if renamed else {}))

    async def _stays(self, tx: Transaction, person: Person, found: Removable) -> Fault | None:
        """Why a factor cannot be removed: nothing else would be left of what lets them in, or of what is demanded."""
        leads_in = found.kind == "passkey" and not found.copied
        if leads_in and (await self._other_ways.ways_in(tx, person.account.id)).only_one:
            return "last_way"
        if found.last and await self._demanded.factor_demanded(tx, person.account.id):
            return "last_demanded"
        return None

    async def _rename(self, tx: Transaction, person: Person, found: Removable, name: str) -> bool:
        if found.kind == "passkey":
            return await self._factors.rename_passkey(tx, person.account.id, bytes.fromhex(found.ident), name)
        ident = as_id(found.ident)
        return ident is not None and await self._factors.rename(tx, person.account.id, ident, name)

    async def _find(self, tx: Transaction, person: Person, named: Mapping[str, str]) -> Removable | None:
        kind, ident = named.get("kind", ""), named.get("id", "")
        passkeys = await self._factors.passkeys(tx, person.account.id)
        apps = await self._factors.authenticators(tx, person.account.id)
        number = await self._numbers.own(tx, person.account.id)
        approving = await self._approving.of(tx, person.account.id)
        last = len(passkeys) + len(apps) + len(approving) + (number is not None) == 1
        if kind == "push":
            return next(
                (Removable("push", ident, one.label, last, "app") for one in approving if str(one.id) == ident), None
            )
        if kind == "passkey":
            return next(
                (
                    Removable(
                        "passkey",
                        ident,
                        one.label,
                        last,
                        passkey_type(one.transports),
                        one.aaguid,
                        one.clone_suspected_at is not None,
                    )
                    for one in passkeys
                    if one.credential_id.hex() == ident
                ),
                None,
            )
        if kind == "totp":
            return next(
                (Removable("totp", ident, one.label, last, "app") for one in apps if str(one.id) == ident), None
            )
        if kind == "sms" and number is not None and str(number.id) == ident:
            return Removable("sms", ident, number.written, last, "phone-sms")
        return None

    async def _remove(self, tx: Transaction, person: Person, found: Removable) -> bool:
        if found.kind == "passkey":
            return await self._factors.remove_passkey(tx, person.account.id, bytes.fromhex(found.ident))
        ident = as_id(found.ident)
        if ident is None:
            return False
        if found.kind == "sms":
            return await self._numbers.remove(tx, person.account.id, ident)
        if found.kind == "push":
            return await self._approving.remove(tx, person.account.id, ident)
        return await self._factors.remove(tx, person.account.id, ident)

    async def _show(self, request: Request, fault: Fault | None = None) -> Response:
        async with self._shared.database.begin() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            options = None
            if person.refusal is None and "passkey" not in person.forbidden:
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
            number = await self._numbers.own(tx, person.account.id)
            approving = await self._approving.of(tx, person.account.id)
            saved_codes = await self._recovery_codes.left(tx, person)
        done = request.query_params.get("done", "")
        return await self._door.show(
            request,
            person,
            "account_factors.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if fault else HTTPStatus.OK,
            passkeys=passkeys,
            models={one.credential_id: self._models.name_of(one.aaguid) for one in passkeys},
            authenticators=authenticators,
            more_apps=len(authenticators) < totp.MOST,
            phone=number,
            texts_available=self._numbers.available,
            approving=approving,
            here_id=person.session.visitor.device_id,
            vapid_key=self._vapid_key,
            origin=self._origin,
            saved_codes=saved_codes,
            few=saved_codes <= FEW,
            passkey_options=options,
            suggested_label=label_browser(request.headers).device,
            fault=fault,
            code=failure_code([fault] if fault is not None and fault in CODES else []),
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
