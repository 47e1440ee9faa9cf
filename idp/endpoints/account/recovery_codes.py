"""`/account/recovery-codes`: saved codes are made, shown once, and made anew; their person is told of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from idp.endpoints.account.door import AccountDoor, Person, back, record_change
from idp.endpoints.account.letters import Letters
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.new_factors import NewFactors
from idp.endpoints.login.typed_codes import TypedCodes
from idp.factors.recovery_code import RecoveryCodeStorage
from idp.sessions.signals.changes import ChangeSignals, CredentialChange
from notifications.notice import NoticeKind

PATH = "/account/factors"
DONE = frozenset({"passkey_added", "passkey_removed", "totp_added", "totp_removed"})


class RecoveryCodesPage:
    """Makes codes, and shows them this once."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        codes: RecoveryCodeStorage,
        new_factors: NewFactors,
        signals: ChangeSignals,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._codes = codes
        self._new_factors = new_factors
        self._signals = signals

    async def __call__(self, request: Request) -> Response:
        """`POST /account/recovery-codes`: ten new codes; those before them work no more."""
        form = await self._door.form(request)
        async with self._shared.database.begin() as tx:
            person = await self._door.changing(tx, request, form)
            if not person.enrolled:  # there is nothing that they could stand for
                return back(PATH)
            made = await self._new_factors.make_codes(tx, request, person.account.id)
            await record_change(tx, request, Kind.FACTOR_ENROLLED, person, "recovery_code")
            await self._letters.put(
                tx, request, person, NoticeKind.FACTOR_CHANGED, change="enrolled", factor="recovery_code"
            )
        await self._letters.poke()
        return await self.shown(request, person, made)

    async def first_time(self, tx: Transaction, request: Request, person: Person) -> tuple[str, ...] | None:
        """Codes for somebody who just got their first second factor; `None` for everybody else."""
        return await self._new_factors.first_codes(tx, request, person.account.id, person.enrolled)

    async def shown(
        self, request: Request, person: Person, made: tuple[str, ...] | None, *, done: str = ""
    ) -> Response:
        """The page of new codes; without any, back to the ways to sign in."""
        if made is None:
            return back(PATH, done=done)
        return await self._door.show(request, person, "account_recovery_codes.html", codes=made, done=done)

    async def left(self, tx: Transaction, person: Person) -> int:
        """How many codes still work."""
        return await self._codes.left(tx, person.account.id)

    async def forget(self, tx: Transaction, request: Request, person: Person) -> None:
        """With the last second factor its codes go, too."""
        if await self._codes.left(tx, person.account.id):
            change = CredentialChange("recovery-code", "revoke", "codes_gone")
            await self._signals.credential_changed(tx, person.account.id, change, correlation_id(request))
        await self._codes.replace(tx, person.account.id, (), self._shared.clock.now())


async def recovery_code_used(
    tx: Transaction, request: Request, person: Person, letters: Letters, codes: TypedCodes
) -> None:
    """Tell the person that one was used."""
    here = visitor(request, person.session.visitor.device_id)
    where = {"device": here.device_label, "browser": here.browser, "place": here.place}
    left = str(await codes.saved_left(tx, person.account.id))
    await letters.put(tx, request, person, NoticeKind.RECOVERY_CODE_USED, left=left, **where)
