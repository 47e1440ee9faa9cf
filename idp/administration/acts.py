"""What an administrator does, each act in one transaction with the record of who did it and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.documents import Channel, Ended, OrganisationDocument, OrganisationRequest, PersonDocument
from idp.administration.looks import asked_look
from idp.administration.registry import (
    Clocks,
    Deliveries,
    Directory,
    Organisations,
    People,
    Rules,
    Sessions,
)
from idp.administration.scope import Administrator
from idp.authorization.login_rules import LoginRules
from idp.directory.account import Account, Face, Support
from idp.sessions.one_session import OneSession
from notifications import queue as notices
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """Everything that the API changes."""

    database: Database
    valkey: Valkey
    clock: Clock
    one_session: OneSession
    queue: Queue
    people: People
    sessions: Sessions
    organisations: Organisations
    deliveries: Deliveries
    directory: Directory
    rules: Rules
    clocks: Clocks

    async def end_session(self, who: Administrator, sid: str, why: str) -> Ended:
        """End a live session of one of the caller's organisations, and tell its person."""
        async with self.database.begin() as tx:
            found = await self.sessions.find(tx, sid)
            if found is None or found.organisation_id not in who.organisations:
                raise Problem(problems.NOT_FOUND)
            if sid == who.sid or found.user_id == who.user_id:
                raise Problem(problems.YOURSELF)
            ended = await self.one_session.end(tx, sid, "administrator", correlation_id=who.correlation_id)
            if ended is None:
                raise Problem(problems.ENDED_ALREADY)
            details = {"why": why, "reason": ended.end_reason}
            await self._record(tx, who, Kind.SESSION_END_ORDERED, str(found.user_id), details, sid=sid)
        await self._poke()
        assert ended.ended_at is not None
        assert ended.end_reason is not None
        return Ended(sid, ended.ended_at, ended.end_reason)

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
            await self._record(tx, who, Kind.ACCOUNT_LOCKED, str(user_id), {"why": why, "reason": "administrator"})
            if account.state == "active":
                await self._tell_of_lock(tx, who, account)
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
                await self._record(tx, who, Kind.ACCOUNT_UNLOCKED, str(user_id), {"why": why})
            unlocked = await self._person(tx, who, user_id)
        await self._poke()
        return unlocked

    async def change_organisation(
        self, who: Administrator, organisation_id: UUID, asked: OrganisationRequest
    ) -> OrganisationDocument:
        """Make an organisation what is asked, and tell every node that keeps it in memory."""
        look = asked_look(asked.look)
        support = None
        if asked.support is not None:
            given = asked.support
            support = Support(name=given.name.strip(), email=given.email, phone=given.phone, url=given.url)
        async with self.database.begin() as tx:
            if organisation_id not in who.organisations:
                raise Problem(problems.NOT_FOUND)
            before = await self.organisations.claim(tx, organisation_id)
            if before is None:
                raise Problem(problems.NOT_FOUND)
            if before.version != asked.version:
                raise Problem(problems.CHANGED_MEANWHILE)
            rules = LoginRules(asked.duplicate_login, asked.new_device_factor)
            await self.rules.put_login_rules(tx, organisation_id, rules)
            face = Face(organisation_id=organisation_id, look=look, support=support)
            await self.directory.put_face(tx, face)
            after = await self.organisations.claim(tx, organisation_id)
            assert after is not None
            details = {"why": asked.why, "changed": _differences(before, after), "version": after.version}
            await self._record(tx, who, Kind.ORGANISATION_CHANGED, str(organisation_id), details)
        await outbox.poke(self.valkey)
        return after

    async def retry(self, who: Administrator, channel: Channel, ident: UUID, why: str) -> None:
        """Let a dead letter wait again."""
        async with self.database.begin() as tx:
            retried = await self.deliveries.retry(tx, who.organisations, channel, ident, self.clock.now())
            if retried is None:
                raise Problem(problems.NOT_FOUND)
            if not retried:
                raise Problem(problems.NOT_TO_RETRY)
            details = {"why": why, "channel": channel}
            await self._record(tx, who, Kind.DELIVERY_RETRIED, str(ident), details)
        await self._poke()

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

    async def _tell_of_lock(self, tx: Transaction, who: Administrator, account: Account) -> None:
        if account.email is None:
            return
        notice = Notice(
            kind=NoticeKind.ACCOUNT_LOCKED,
            user_id=account.id,
            to=account.email,
            locale=account.locale,
            name=account.display_name,
            facts={
                "at": self.clock.now().isoformat(),
                "time_zone": await self.clocks.time_zone(tx, account.id),
            },
            correlation_id=who.correlation_id,
        )
        await self.queue.put(tx, notice)

    async def _record(
        self,
        tx: Transaction,
        who: Administrator,
        kind: Kind,
        subject: str,
        details: Mapping[str, object],
        *,
        sid: str = "",
    ) -> None:
        await trail.record(
            tx,
            AuditEvent(
                kind=kind,
                correlation_id=who.correlation_id,
                actor=str(who.user_id),
                subject=subject,
                sid=sid,
                details=details,
            ),
        )

    async def _poke(self) -> None:
        await outbox.poke(self.valkey)
        await notices.poke(self.valkey)


def _differences(before: OrganisationDocument, after: OrganisationDocument) -> list[str]:
    changeable = ("duplicate_login", "new_device_factor", "look", "support")
    return [name for name in changeable if getattr(before, name) != getattr(after, name)]
