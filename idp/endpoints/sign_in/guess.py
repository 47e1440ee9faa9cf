"""A guess at a password: the same steps, in the same order and time, whether or not anybody has the name."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from starlette.requests import Request

from config.clock import Clock
from config.connections import Database, Transaction
from config.problem import Problem
from idp.credentials.password import PasswordPool, PasswordStorage
from idp.credentials.throttle import Limit, Throttle, guesses
from idp.devices.device import Device, DeviceStorage
from idp.devices.identification import DEVICE_COOKIE, cookie_hash
from idp.directory.account import Account, Directory
from idp.endpoints.whereabouts import client_ip
from idp.importing.old_system import OldSystems, Vouched
from idp.importing.person import Candidate

NOBODY = UUID(int=0)
"""Who is looked up where nobody has the name, so that it takes as long."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What came of comparing; it is believed only once `Guesses.stands` says that nothing changed meanwhile."""

    account: Account | None
    stored: str | None
    correct: bool
    stronger_hash: str | None
    counted: Sequence[tuple[Limit, str]]
    password: str = field(repr=False)
    vouched: Vouched | None = None
    """By an old system, which said that the password is right; `stronger_hash` is it as it will be kept."""


class Takeovers(Protocol):
    """Keeps people whom an old system vouches for."""

    async def add_person(self, tx: Transaction, organisation_id: UUID, one: Candidate, now: datetime) -> Account | None:
        """An account for somebody whom nobody knew; None where somebody has the name meanwhile."""

    async def add_password(self, tx: Transaction, user_id: UUID, hashed: str, now: datetime) -> bool:
        """Keep the first password of somebody. False: they have one."""


class Guesses:
    """Compares what is typed with what is kept, as often as the throttle lets it."""

    def __init__(
        self,
        *,
        directory: Directory,
        passwords: PasswordStorage,
        devices: DeviceStorage,
        pool: PasswordPool,
        throttle: Throttle,
        old_systems: OldSystems,
        takeovers: Takeovers,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._devices = devices
        self._pool = pool
        self._throttle = throttle
        self._old_systems = old_systems
        self._takeovers = takeovers
        self._clock = clock

    async def take(self, database: Database, request: Request, name: str | None, password: str) -> Guess:
        """Count a guess, and compare it. `name` is in its normal form. Raises `TooMany`, `OVERLOADED` and `AWAY`.

        Of somebody who has no password here their organisation's old system is asked, beside the comparison with
        nobody's, which everybody gets.
        """
        async with database.connect() as tx:
            account = await self._directory.account_by_login_name(tx, name) if name is not None else None
            person = account.id if account is not None else NOBODY
            digest = cookie_hash(request.cookies.get(DEVICE_COOKIE))
            device = await self._devices.find(tx, person, digest) if digest is not None else None
            stored = await self._passwords.password_hash(tx, person)
        known_device = await self._known_device(person, device, digest)
        counted = guesses(name or "", client_ip(request), known_device)
        await self._throttle.attempt_all(counted)
        verified = await self._pool.verify(password, stored)
        guess = Guess(account, stored, verified.correct, verified.stronger_hash, counted, password)
        return await self._asked_elsewhere(guess, name)

    async def stands(self, tx: Transaction, guess: Guess) -> Account | None:
        """Whose password it was and still is; None: it was wrong, or is theirs no more.

        A stronger hash of it takes its place. Where another login was quicker to do that, the hash is another one and
        the password may be the same: it is compared once more.
        """
        if guess.vouched is not None and guess.stronger_hash is not None:
            return await self._taken_over(tx, guess, guess.vouched, guess.stronger_hash)
        account = guess.account
        if not guess.correct or account is None or guess.stored is None:
            return None
        if guess.stronger_hash is not None:
            if await self._passwords.replace_hash(tx, account.id, guess.stored, guess.stronger_hash):
                return account
        elif await self._passwords.password_hash(tx, account.id) == guess.stored:
            return account
        return await self._is_theirs_by_now(tx, guess, account)

    async def _asked_elsewhere(self, guess: Guess, name: str | None) -> Guess:
        system = await self._old_systems.to_ask(guess.account, name, guess.stored)
        if system is None or name is None:
            return guess
        begun = time.monotonic()
        try:
            vouched = await self._old_systems.ask(system, name, guess.password)
        except Problem:
            await self._throttle.all_right(guess.counted)  # nobody is held off because it is away
            raise
        self._pool.took(time.monotonic() - begun)
        if vouched is None:
            await self._pool.wait(begun)
            return guess
        return replace(guess, stronger_hash=await self._pool.hash(guess.password), vouched=vouched)

    async def _taken_over(self, tx: Transaction, guess: Guess, vouched: Vouched, hashed: str) -> Account | None:
        """Keep the password, and the person where nobody knew them. Another login may have been quicker."""
        now, name = self._clock.now(), vouched.person.login_name
        account = guess.account
        if account is None:
            organisation = vouched.system.organisation_id
            account = await self._takeovers.add_person(tx, organisation, vouched.person, now)
            account = account or await self._directory.account_by_login_name(tx, name)
        if account is None:
            return None
        if await self._takeovers.add_password(tx, account.id, hashed, now):
            return account
        return await self._is_theirs_by_now(tx, guess, account)

    async def _is_theirs_by_now(self, tx: Transaction, guess: Guess, account: Account) -> Account | None:
        now = await self._passwords.password_hash(tx, account.id)
        return account if now is not None and (await self._pool.verify(guess.password, now)).correct else None

    async def was_right(self, guess: Guess) -> None:
        """Give what was counted back; after the commit."""
        await self._throttle.all_right(guess.counted)

    async def _known_device(self, person: UUID, device: Device | None, digest: bytes | None) -> UUID | None:
        """This browser, where the person got a session or was let in by recovery; nobody gets there by trying."""
        if device is not None and device.sign_ins > 0:
            return device.id
        if digest is not None and await self._throttle.vouched(str(person), digest):
            return UUID(bytes=digest[:16])
        return None
