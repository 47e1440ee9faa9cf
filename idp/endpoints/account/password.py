"""`/account/password`: a new password. The session ends everywhere with the old one, and the person signs in again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.problem import Problem
from config.web import correlation_id
from idp.credentials.password import PasswordPool
from idp.credentials.throttle import Throttle, TooMany, guesses
from idp.endpoints.account.door import NOT_NOW, AccountDoor, PeopleLocked, Person, record_change
from idp.endpoints.account.letters import Letters
from idp.endpoints.account.overview import PasswordAge
from idp.endpoints.account.session import Forgetting, without_session
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.failure_codes import failure_code
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.login.password_change import NewPasswords
from idp.endpoints.whereabouts import client_ip
from idp.protocol.assurance import MULTIPLE_FACTORS
from idp.sessions.one_session import OneSession
from idp.sessions.signals.changes import ChangeSignals, CredentialChange
from notifications.notice import NoticeKind


class AccountPasswords(PasswordAge, Protocol):
    """Where passwords are kept."""

    async def password_hash(self, tx: Transaction, user_id: UUID) -> str | None:
        """The hash of the person's password; `None` where they have none."""

    async def put_password(self, tx: Transaction, user_id: UUID, new: str, now: datetime) -> None:
        """Keep the hash of a new password."""


@dataclass(frozen=True, slots=True)
class _Typed:
    current: str
    new: str


class PasswordPage:
    """Shows the page, and takes the new password."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        letters: Letters,
        passwords: AccountPasswords,
        rules: NewPasswords,
        people: PeopleLocked,
        remembered: Forgetting,
        one_session: OneSession,
        signals: ChangeSignals,
        pool: PasswordPool,
        throttle: Throttle,
    ) -> None:
        self._shared = shared
        self._door = door
        self._letters = letters
        self._passwords = passwords
        self._rules = rules
        self._people = people
        self._remembered = remembered
        self._one_session = one_session
        self._signals = signals
        self._pool = pool
        self._throttle = throttle

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes a new password."""
        return await self._change(request) if request.method == "POST" else await self._show(request)

    async def _change(self, request: Request) -> Response:
        form = await self._door.form(request)
        typed = _Typed(form.get("current", ""), form.get("new", ""))
        async with self._shared.database.connect() as tx:
            person = await self._door.sender(tx, request, form)
            stored = await self._passwords.password_hash(tx, person.account.id)
        faults = await self._faults(request, person, stored, typed)
        if faults:
            return await self._show(request, faults)
        hashed = await self._pool.hash(typed.new)
        async with self._shared.database.begin() as tx:
            # a login that proved the old password must begin nothing; locks are taken as the dispatcher takes them
            await self._shared.logins.forget_person(tx, person.account.id)
            await self._people.lock_person(tx, person.account.id)  # before the session, as whoever begins one
            person = await self._door.changing(tx, request, form, dangerous=False)
            if await self._passwords.password_hash(tx, person.account.id) != stored:
                raise Problem(NOT_NOW, private="the password has changed meanwhile")
            if stored is None or not typed.current:
                _must_be_proven(person)
            await self._keep(tx, request, person, hashed, first=stored is None)
        async with self._shared.database.begin() as tx:  # those that proved it while it was changed
            await self._shared.logins.forget_person(tx, person.account.id)
        await self._letters.poke()
        response = self._shared.pages.respond(
            request,
            "account_password_changed.html",
            locale=self._shared.pages.locale(request, ui_locales=person.account.locale),
        )
        return without_session(response)

    async def _keep(self, tx: Transaction, request: Request, person: Person, hashed: str, *, first: bool) -> None:
        user_id = person.account.id
        await self._passwords.put_password(tx, user_id, hashed, self._shared.clock.now())
        await self._remembered.forget_person(tx, user_id)
        await record_change(tx, request, Kind.PASSWORD_CHANGED, person)
        await self._letters.put(tx, request, person, NoticeKind.PASSWORD_CHANGED)
        change = CredentialChange("password", "create" if first else "update", "password_changed")
        await self._signals.credential_changed(tx, user_id, change, correlation_id(request))
        await self._one_session.end_person(
            tx,
            user_id,
            "password_change",
            correlation_id=correlation_id(request),
            ended_by=visitor(request, person.session.visitor.device_id),
        )

    async def _faults(
        self, request: Request, person: Person, stored: str | None, typed: _Typed
    ) -> list[tuple[str, str]]:
        """What is wrong with what was typed, by field."""
        if stored is None or (_proven(person) and not typed.current):
            _must_be_proven(person)
        elif not typed.current:
            return [("current", "account.password.fault.missing_current")]
        fault = await self._rules.fault(typed.new, person.account, alone=not person.enrolled)
        if fault is not None:
            return [("new", f"new_password.fault.{fault}")]
        if typed.current:
            wrong = await self._wrong(request, person, stored, typed.current)
            if wrong is not None:
                return [("current", f"account.password.fault.{wrong}")]
        if stored is not None and (await self._pool.verify(typed.new, stored)).correct:
            return [("new", "account.password.fault.same")]
        return []

    async def _wrong(self, request: Request, person: Person, stored: str | None, current: str) -> str | None:
        counted = guesses(person.account.login_name, client_ip(request), person.session.visitor.device_id)
        try:
            await self._throttle.attempt_all(counted)
        except TooMany:
            return "too_many"
        if (await self._pool.verify(current, stored)).correct:
            await self._throttle.all_right(counted)
            return None
        async with self._shared.database.begin() as tx:
            await record_change(tx, request, Kind.FACTOR_FAILED, person, "password")
        return "wrong_current"

    async def _show(self, request: Request, faults: list[tuple[str, str]] | None = None) -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return self._door.nobody(request)
            changed_at = await self._passwords.changed_at(tx, person.account.id)
        return await self._door.show(
            request,
            person,
            "account_password.html",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
            changed_at=changed_at,
            ask_current=changed_at is not None and not _proven(person),
            possible=changed_at is not None or _proven(person),
            alone=not person.enrolled,
            faults=faults or [],
            code=failure_code(what for _, what in faults or []),
        )


def _proven(person: Person) -> bool:
    """Whether a second factor or a passkey was given a short while ago: then the old password is not asked for."""
    return person.refusal is None and bool(person.enrolled) and MULTIPLE_FACTORS in person.session.amr


def _must_be_proven(person: Person) -> None:
    if not _proven(person):
        raise Problem(NOT_NOW, private="neither the password nor a recent second factor")
