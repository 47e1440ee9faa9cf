"""What an administrator does to a person, each act in one transaction with the record of who did it and why."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.documents import PersonDocument
from idp.administration.record import record
from idp.administration.registry import Directory, Factors, Logins, People
from idp.administration.scope import Administrator
from idp.directory.account import Account
from idp.directory.notice_to import notice_to
from idp.directory.preferences import Clocks
from idp.sessions.one_session import OneSession
from idp.sessions.signals.changes import ChangeSignals
from notifications import queue as notices
from notifications.notice import NoticeKind
from notifications.queue import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonActs:
    """Everything that the API changes of people."""

    database: Database
    valkey: Valkey
    clock: Clock
    one_session: OneSession
    signals: ChangeSignals
    queue: Queue
    people: People
    directory: Directory
    factors: Factors
    logins: Logins
    clocks: Clocks
    alone: bool
    """Whether one administrator may take away factors; otherwise two do, by `ResetActs`."""

    async def lock(self, who: Administrator, user_id: UUID, version: int, why: str) -> PersonDocument:
        """Lock an account and end its session. Its person is told by mail."""
        if user_id == who.user_id:
            raise Problem(problems.YOURSELF)
        now = self.clock.now()
        async with self.database.begin() as tx:
            account = await self._claim(tx, who, user_id, version)
            if account.state == "active" and await self.people.is_last_administrator(tx, user_id):
                raise Problem(problems.LAST_ADMINISTRATOR)
            if not await self.directory.lock(tx, user_id, "administrator", now):
                raise Problem(problems.LAST_ADMINISTRATOR)
            await self.one_session.end_person(tx, user_id, "account_lock", correlation_id=who.correlation_id)
            await record(tx, who, Kind.ACCOUNT_LOCKED, str(user_id), {"why": why, "reason": "administrator"})
            if account.state == "active":
                await self._tell(tx, who, account, NoticeKind.ACCOUNT_LOCKED)
            locked = await self._person(tx, who, user_id)
        await self._poke()
        return locked

    async def unlock(self, who: Administrator, user_id: UUID, version: int, why: str) -> PersonDocument:
        """Let a locked account sign in again."""
        if user_id == who.user_id:
            raise Problem(problems.YOURSELF)
        async with self.database.begin() as tx:
            await self._claim(tx, who, user_id, version)
            if await self.directory.unlock(tx, user_id):
                await record(tx, who, Kind.ACCOUNT_UNLOCKED, str(user_id), {"why": why})
            unlocked = await self._person(tx, who, user_id)
        await self._poke()
        return unlocked

    async def reset_factors(self, who: Administrator, user_id: UUID, version: int, why: str) -> PersonDocument:
        """Take away every second factor of somebody who lost theirs, and end their session. They are told by mail.

        Their next sign-in asks for what is left: the password, and a code by mail.
        """
        if user_id == who.user_id:
            raise Problem(problems.YOURSELF)
        if not self.alone:
            raise Problem(problems.TWO_ADMINISTRATORS)
        async with self.database.begin() as tx:
            if await self.people.person(tx, who.organisations, user_id, self.clock.now()) is None:
                raise Problem(problems.NOT_FOUND)
            await self.logins.forget_person(tx, user_id)  # one may have shown the lost factor; before the person's lock
            account = await self._claim(tx, who, user_id, version)
            if await self.people.is_last_administrator(tx, user_id):
                raise Problem(problems.LAST_ADMINISTRATOR)
            revoked = await self.factors.revoked(tx, user_id)
            removed = await self.factors.reset(tx, user_id)
            if not removed:
                raise Problem(problems.NO_FACTORS)
            for change in revoked:
                await self.signals.credential_changed(tx, user_id, change, who.correlation_id)
            await self.one_session.end_person(tx, user_id, "administrator", correlation_id=who.correlation_id)
            for factor in removed:
                details = {"why": why, "factor": factor}
                await record(tx, who, Kind.FACTOR_REMOVED, str(user_id), details)
                await self._tell(tx, who, account, NoticeKind.FACTOR_CHANGED, change="removed", factor=factor)
            reset = await self._person(tx, who, user_id)
        await self._poke()
        return reset

    async def _claim(self, tx: Transaction, who: Administrator, user_id: UUID, version: int) -> Account:
        """A person whom the caller alone may lock: seen, theirs, as they were read; held against other changes."""
        if await self.people.person(tx, who.organisations, user_id, self.clock.now()) is None:
            raise Problem(problems.NOT_FOUND)
        await self.people.hold(tx, user_id)
        account = await self.directory.account(tx, user_id)
        if account is None:
            raise Problem(problems.NOT_FOUND)
        if not await self.people.is_within(tx, who.organisations, user_id):
            raise Problem(problems.NOT_YOURS_ALONE)
        if account.version != version:
            raise Problem(problems.CHANGED_MEANWHILE)
        return account

    async def _person(self, tx: Transaction, who: Administrator, user_id: UUID) -> PersonDocument:
        found = await self.people.person(tx, who.organisations, user_id, self.clock.now())
        if found is None:
            raise Problem(problems.NOT_FOUND)
        return found

    async def _tell(
        self, tx: Transaction, who: Administrator, account: Account, kind: NoticeKind, **facts: str
    ) -> None:
        if account.email is None:
            return
        notice = notice_to(
            account,
            account.email,
            kind,
            {
                **facts,
                "at": self.clock.now().isoformat(),
                "time_zone": await self.clocks.time_zone(tx, account.id),
            },
            who.correlation_id,
        )
        await self.queue.put(tx, notice)

    async def _poke(self) -> None:
        await outbox.poke(self.valkey)
        await notices.poke(self.valkey)
