"""Two administrators let somebody begin anew who lost every factor: asking, agreeing, refusing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.entropy import Entropy
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.page import Page
from idp.administration.record import record
from idp.administration.registry import Directory, People
from idp.administration.reset_documents import ResetAsked, ResetEntry, ResetList, Who
from idp.administration.scope import Administrator, EntryCursor
from idp.credentials.assisted_reset import ASKED_FOR, CODE_FOR, AssistedReset, ResetState, code_hash, new_code
from idp.credentials.waiting_recovery import TOKEN_SIZE, stop_address, stop_hash
from idp.directory.notice_to import notice_to
from idp.directory.preferences import Clocks
from idp.sessions.session import Session
from notifications import queue as notices
from notifications.notice import NoticeKind
from notifications.queue import Queue


class ResetStorage(Protocol):
    """Where resets are kept."""

    async def add(self, tx: Transaction, one: AssistedReset, code_hash: bytes, stop_hash: bytes) -> bool:
        """Keep one that is asked for. False: the person has one that is not over."""

    async def claim(self, tx: Transaction, reset_id: UUID) -> AssistedReset | None:
        """One, locked against other decisions."""

    async def save(self, tx: Transaction, one: AssistedReset, *, stop_hash: bytes | None = None) -> None:
        """Keep what was decided of a claimed one; with a new link that stops it."""

    async def resets(
        self,
        tx: Transaction,
        scope: Collection[UUID],
        *,
        states: Collection[ResetState],
        person: UUID | None,
        before: EntryCursor | None,
        limit: int,
    ) -> Sequence[AssistedReset]:
        """Those of the scope's people, the newest first."""

    async def names(self, tx: Transaction, people: Collection[UUID]) -> Mapping[UUID, str]:
        """What people are called."""


class LiveSessions(Protocol):
    """Where it is known which session of a person lives."""

    async def live_of(self, tx: Transaction, user_id: UUID, now: datetime) -> Session | None:
        """It, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetActs:
    """Everything that the API does with resets."""

    database: Database
    valkey: Valkey
    clock: Clock
    entropy: Entropy
    queue: Queue
    people: People
    directory: Directory
    resets: ResetStorage
    sessions: LiveSessions
    clocks: Clocks
    issuer: str

    async def ask(self, who: Administrator, user_id: UUID, version: int, why: str) -> ResetAsked:
        """Ask for somebody's factors to be taken away. The code does nothing before another administrator agrees."""
        now = self.clock.now()
        code = new_code(self.entropy)
        digest = code_hash(user_id, code)
        assert digest is not None, "it was just made"
        asked = AssistedReset(
            id=self.entropy.uuid(),
            user_id=user_id,
            state="asked",
            why=why,
            asked_by=who.user_id,
            asked_at=now,
            expires_at=now + ASKED_FOR,
        )
        async with self.database.begin() as tx:
            await self._theirs(tx, who, user_id, now)
            account = await self.directory.account(tx, user_id)
            if account is None:
                raise Problem(problems.NOT_FOUND)
            if account.version != version:
                raise Problem(problems.CHANGED_MEANWHILE)
            if not await self.resets.add(tx, asked, digest, stop_hash(self.entropy.token(TOKEN_SIZE))):
                raise Problem(problems.RESET_UNDER_WAY)
            await record(tx, who, Kind.RESET_ASKED, str(user_id), {"why": why, "reset": str(asked.id)})
            entry = (await self._entries(tx, who, [asked]))[0]
        return ResetAsked(entry, code)

    async def approve(self, who: Administrator, reset_id: UUID, version: int, why: str) -> ResetEntry:
        """Agree to what another administrator asked for. The person is told wherever they can be reached."""
        now = self.clock.now()
        async with self.database.begin() as tx:
            one = await self._claim(tx, who, reset_id, version, now)
            if one.state != "asked":
                raise Problem(problems.RESET_OVER)
            if one.asked_by == who.user_id:
                raise Problem(problems.SECOND_ADMINISTRATOR)
            scope = await self.people.administered_by(tx, one.asked_by)
            if not await self.people.is_within(tx, scope, one.user_id):
                raise Problem(problems.RESET_OVER, private="whoever asked administers this person no more")
            token = self.entropy.token(TOKEN_SIZE)
            approved = replace(
                one,
                state="approved",
                decided_by=who.user_id,
                decided_why=why,
                decided_at=now,
                expires_at=now + CODE_FOR,
                version=one.version + 1,
            )
            await self.resets.save(tx, approved, stop_hash=stop_hash(token))
            details = {"why": why, "reset": str(one.id), "asked_by": str(one.asked_by)}
            await record(tx, who, Kind.RESET_APPROVED, str(one.user_id), details)
            await self._tell(tx, who, approved, stop_address(self.issuer, token), now)
            entry = (await self._entries(tx, who, [approved]))[0]
        await outbox.poke(self.valkey)
        await notices.poke(self.valkey)
        return entry

    async def refuse(self, who: Administrator, reset_id: UUID, version: int, why: str) -> ResetEntry:
        """Refuse what another asked for, or withdraw what one asked for or agreed to; until its code was used."""
        now = self.clock.now()
        async with self.database.begin() as tx:
            one = await self._claim(tx, who, reset_id, version, now)
            if one.state not in ("asked", "approved"):
                raise Problem(problems.RESET_OVER)
            refused = replace(
                one,
                state="refused",
                decided_by=who.user_id,
                decided_why=why,
                decided_at=now,
                ended_at=now,
                version=one.version + 1,
            )
            await self.resets.save(tx, refused)
            details = {"why": why, "reset": str(one.id), "withdrawn": who.user_id == one.asked_by}
            await record(tx, who, Kind.RESET_REFUSED, str(one.user_id), details)
            return (await self._entries(tx, who, [refused]))[0]

    async def list(
        self, who: Administrator, states: Collection[ResetState], person: UUID | None, page: Page
    ) -> ResetList:
        """Those of the caller's people, the newest first."""
        before = page.cursor(EntryCursor.decode)
        async with self.database.connect() as tx:
            found = await self.resets.resets(
                tx, who.organisations, states=states, person=person, before=before, limit=page.limit + 1
            )
            shown, following = page.cut(found, lambda one: EntryCursor(one.asked_at, one.id).encode())
            entries = await self._entries(tx, who, shown)
        return ResetList(tuple(entries), following)

    async def show(self, who: Administrator, reset_id: UUID) -> ResetEntry:
        """One."""
        async with self.database.begin() as tx:
            one = await self.resets.claim(tx, reset_id)
            if one is None or await self.people.person(tx, who.organisations, one.user_id, self.clock.now()) is None:
                raise Problem(problems.NOT_FOUND)
            return (await self._entries(tx, who, [one]))[0]

    async def _claim(
        self, tx: Transaction, who: Administrator, reset_id: UUID, version: int, now: datetime
    ) -> AssistedReset:
        one = await self.resets.claim(tx, reset_id)
        if one is None:
            raise Problem(problems.NOT_FOUND)
        await self._theirs(tx, who, one.user_id, now)
        if one.version != version:
            raise Problem(problems.CHANGED_MEANWHILE)
        if one.expires_at <= now:
            raise Problem(problems.RESET_OVER)
        return one

    async def _theirs(self, tx: Transaction, who: Administrator, user_id: UUID, now: datetime) -> None:
        """Somebody else, whom the caller sees and alone administers."""
        if user_id == who.user_id:
            raise Problem(problems.YOURSELF)
        if await self.people.person(tx, who.organisations, user_id, now) is None:
            raise Problem(problems.NOT_FOUND)
        if not await self.people.is_within(tx, who.organisations, user_id):
            raise Problem(problems.NOT_YOURS_ALONE)

    async def _tell(self, tx: Transaction, who: Administrator, one: AssistedReset, stop: str, now: datetime) -> None:
        account = await self.directory.account(tx, one.user_id)
        if account is not None and account.email is not None:
            facts = {
                "at": now.isoformat(),
                "until": one.expires_at.isoformat(),
                "stop": stop,
                "time_zone": await self.clocks.time_zone(tx, one.user_id),
            }
            notice = notice_to(account, account.email, NoticeKind.RESET_AGREED, facts, who.correlation_id)
            await self.queue.put(tx, notice, expires_in=CODE_FOR)
        live = await self.sessions.live_of(tx, one.user_id, now)
        if live is not None:
            where = dict.fromkeys(("device", "browser", "place", "network"), "")
            event = {"sid": live.sid, "sub": str(one.user_id), "outcome": "reset", **where, "at": now.timestamp()}
            await outbox.append(tx, "attempt", live.sid, event)

    async def _entries(
        self, tx: Transaction, who: Administrator, found: Sequence[AssistedReset]
    ) -> Sequence[ResetEntry]:
        involved = {one.user_id for one in found} | {one.asked_by for one in found}
        names = await self.resets.names(tx, involved | {one.decided_by for one in found if one.decided_by is not None})

        def named(ident: UUID) -> Who:
            return Who(ident, names.get(ident, ""))

        return [
            ResetEntry(
                id=one.id,
                version=one.version,
                person=named(one.user_id),
                state=one.state,
                why=one.why,
                asked_by=named(one.asked_by),
                asked_at=one.asked_at,
                decided_by=named(one.decided_by) if one.decided_by is not None else None,
                decided_why=one.decided_why,
                decided_at=one.decided_at,
                expires_at=one.expires_at,
                ended_at=one.ended_at,
                may_approve=one.state == "asked" and who.user_id not in (one.asked_by, one.user_id),
            )
            for one in found
        ]
