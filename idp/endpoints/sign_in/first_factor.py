"""The first factor of a login: a password or a passkey is taken.

That this browser is to be remembered is only noted: somebody who has a password and no second factor leaves neither a
device nor a remembered browser behind.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from starlette.requests import Request

from audit.trail import Kind
from config.connections import Transaction
from idp.authorization.login import Login
from idp.directory.account import Account, Directory
from idp.directory.login_name import normalise
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.login_page import LoginPages, record_attempt
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.endpoints.sign_in.closed_passwords import ClosedPasswords
from idp.endpoints.sign_in.faults import Fault
from idp.endpoints.sign_in.guess import NOBODY, Guesses
from idp.endpoints.sign_in.leaks import Leaks
from idp.endpoints.sign_in.remembering import NOTHING, Keep, NotRecognised, Recognised, Remembering
from idp.factors.passkey import CloneSuspected, PasskeyRefused
from idp.protocol.assurance import MULTIPLE_FACTORS

PASSWORD_AMR = ("pwd",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a form of the page sent."""

    name: str = ""
    password: str = ""
    answer: str = ""
    """An authenticator's."""
    remember: bool = False
    quick: bool = False
    """The page named the person, by what this browser remembers."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The login that goes on, and the cookies that this browser is given."""

    login: Login
    keep: Keep


class FirstFactor:
    """Takes passwords and passkeys."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        directory: Directory,
        guesses: Guesses,
        remembering: Remembering,
        passkeys: PasskeyCeremonies,
        leaks: Leaks,
        closed: ClosedPasswords,
    ) -> None:
        self._shared = shared
        self._directory = directory
        self._guesses = guesses
        self._remembering = remembering
        self._passkeys = passkeys
        self._leaks = leaks
        self._closed = closed

    async def recognised(self, request: Request) -> Recognised | NotRecognised:
        """Whom this browser remembers."""
        async with self._shared.database.begin() as tx:
            whose = await self._remembering.recognise(tx, request, self._shared.clock.now())
        if whose == "stolen":
            async with self._shared.database.begin() as tx:
                await self._remembering.fall(tx, request, self._shared.clock.now())
            await self._remembering.poke()
        return whose

    async def by_password(self, request: Request, login_id: UUID, typed: Typed) -> SignedIn | Fault:
        """Take a name and a password, or the password of whom this browser remembers. Raises `TooMany`."""
        whose = await self.recognised(request) if typed.quick else None
        if typed.quick and not isinstance(whose, Recognised):
            return Fault("", "not_remembered")
        name = whose.account.login_name if isinstance(whose, Recognised) else normalise(typed.name)
        guess = await self._guesses.take(self._shared.database, request, name, typed.password)
        leaked = await self._leaks.has(guess)
        async with self._shared.database.begin() as tx:
            now = self._shared.clock.now()
            login = await self._shared.claim(tx, login_id, now)
            account = await self._guesses.stands(tx, guess)
            if account is None or not account.may_sign_in:
                # whoever knows the password may know that the account is locked, and nobody else
                locked = account is not None
                if not typed.quick:  # a remembered browser does not tell the login name, not to "Not you?" either
                    login = login.named(name or "")
                await self._failed(tx, request, login, account or guess.account, name, why="locked" if locked else "")
                return Fault("", "locked") if locked else Fault("password", "wrong", counted=guess.counted)
            if instead := await self._closed.instead(tx, request, login, account, now):
                # as of a lock: it is told to whoever knows the password, and to nobody else
                login = login if typed.quick else login.named(account.login_name)
                await self._failed(tx, request, login, account, name, why="password_closed")
                return Fault("", "password_closed_link" if "link" in instead else "password_closed")
            if guess.vouched is not None:
                details = {"organisation": str(guess.vouched.system.organisation_id), "new": guess.account is None}
                await record_attempt(tx, request, Kind.PERSON_TAKEN_OVER, subject=str(account.id), details=details)
            login = login if typed.quick else login.named(account.login_name)
            login = login.signed_in(account.id, PASSWORD_AMR, now)
            login = await self._leaks.noted(tx, request, login, account, now, leaked=leaked)
            keep = await self._succeeded(tx, request, login, typed, "password")
        await self._guesses.was_right(guess)
        if leaked:
            await self._leaks.poke()
        return SignedIn(login, keep)

    async def by_passkey(self, request: Request, login_id: UUID, typed: Typed) -> SignedIn | Fault:
        """Take the answer of an authenticator."""
        async with self._shared.database.begin() as tx:
            signed_in = await self._take_passkey(tx, request, login_id, typed)
        await self._remembering.poke()
        return signed_in

    async def _take_passkey(self, tx: Transaction, request: Request, login_id: UUID, typed: Typed) -> SignedIn | Fault:
        now = self._shared.clock.now()
        login = await self._shared.claim(tx, login_id, now)
        details: dict[str, object] = {"method": "passkey", "client": login.client_id}
        try:
            answered = await self._passkeys.answer(
                tx, typed.answer, bound_to=bound_to(login_id), now=now, request=request
            )
        except PasskeyRefused as error:
            details["why"] = f"{type(error).__name__}: {error}"[:200]
            await record_attempt(tx, request, Kind.SIGN_IN_FAILED, subject="", details=details)
            return Fault("", "passkey_copied" if isinstance(error, CloneSuspected) else "passkey_refused")
        passkey, amr = answered.passkey, answered.amr
        account = await self._directory.account(tx, passkey.user_id)
        if account is None or not account.may_sign_in:
            details["why"] = "locked"
            await record_attempt(tx, request, Kind.SIGN_IN_FAILED, subject=str(passkey.user_id), details=details)
            here = visitor(request, None)
            await self._shared.telling.history.note(
                tx, passkey.user_id, "failed", here, amr=amr, client_id=login.client_id
            )
            return Fault("", "locked")
        arrived = await self._shared.arrivals.arrived(tx, request, passkey.user_id, now)
        if arrived is not None and "passkey" in arrived.forbidden:
            details["why"] = "forbidden"
            await record_attempt(tx, request, Kind.SIGN_IN_FAILED, subject=str(passkey.user_id), details=details)
            return Fault("", "passkey_forbidden")
        login = login.signed_in(passkey.user_id, (*amr, MULTIPLE_FACTORS), now)
        live = await self._shared.arrivals.live(tx, passkey.user_id, now)
        if live is not None:
            # a passkey with user verification is a first and a second factor: it passes for what this login now faces
            login = login.facing(live.sid).passed_factor(amr, now)
        return SignedIn(login, await self._succeeded(tx, request, login, typed, "passkey"))

    async def _succeeded(self, tx: Transaction, request: Request, login: Login, typed: Typed, method: str) -> Keep:
        """Keep the login that goes on; a browser that is remembered gets its next secret."""
        await self._shared.logins.save(tx, login.wants_remembering() if typed.remember and not typed.quick else login)
        details: dict[str, object] = {"method": method, "client": login.client_id}
        if typed.quick:
            details["remembered"] = True
        await record_attempt(tx, request, Kind.SIGN_IN_SUCCEEDED, subject=str(login.user_id), details=details)
        if not typed.quick:
            return NOTHING
        now = self._shared.clock.now()
        whose = await self._remembering.recognise(tx, request, now)
        if isinstance(whose, Recognised) and whose.kept.user_id == login.user_id:
            return await self._remembering.next(tx, whose, now)
        return NOTHING

    async def _failed(
        self,
        tx: Transaction,
        request: Request,
        login: Login,
        account: Account | None,
        name: str | None,
        *,
        why: str,
    ) -> None:
        details = {"method": "password", "client": login.client_id, **({"why": why} if why else {})}
        await record_attempt(tx, request, Kind.SIGN_IN_FAILED, subject=subject(account, name), details=details)
        person = account.id if account is not None else NOBODY
        here = visitor(request, None)
        await self._shared.telling.history.note(tx, person, "failed", here, amr=PASSWORD_AMR, client_id=login.client_id)
        await self._shared.logins.save(tx, login)


def bound_to(login_id: UUID) -> str:
    """What a passkey's challenge of this page is bound to."""
    return f"sign-in:{login_id}"


def subject(account: Account | None, name: str | None) -> str:
    """Whom an attempt is about. A name that nobody has is kept as a digest: it may be a password in the wrong field."""
    if account is not None:
        return str(account.id)
    return "name:" + hashlib.sha256((name or "").encode("utf-8", "surrogatepass")).hexdigest()[:16]
