"""Support's view of one person, and what it does for them; each look and each act is on record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.entropy import Entropy
from config.problem import Problem
from idp.administration import problems
from idp.administration.documents import PersonDocument
from idp.administration.page import Page
from idp.administration.record import record
from idp.administration.registry import Directory, People, SignIns
from idp.administration.scope import Administrator, EntryCursor, NameCursor
from idp.administration.support_documents import (
    AskedException,
    AskedForPhase,
    Decision,
    ExceptionAsked,
    ExceptionsAsked,
    SupportDocument,
    SupportEntry,
    SupportList,
)
from idp.credentials.recovery import LIFETIME, Recovery
from idp.credentials.throttle import RECOVERY_OF_ACCOUNT, Throttle
from idp.directory.account import Account
from idp.directory.notice_to import notice_to
from idp.factors.one_time_code import masked
from idp.rollout import support
from idp.rollout.analysis import PlannedPhase
from idp.rollout.changes import By
from idp.rollout.cohorts import Facts
from idp.rollout.demands import Standing
from idp.rollout.leading import Leading
from idp.rollout.methods import why_not
from idp.rollout.phases import Method
from idp.rollout.programme import Programme
from idp.rollout.reminders import WORTH, Addressee, how_to, words_for
from idp.rollout.support import LONGEST_ASKED, Circumstances, LastAttempt, MeetsPhase, SetUp
from notifications import queue as notices
from notifications.notice import NoticeKind
from notifications.queue import Queue

ATTEMPTS = 10
"""Attempts to sign in that are shown."""


class Supported(Protocol):
    """People as support sees them, and what it asked for them."""

    async def set_up(self, tx: Transaction, user_id: UUID) -> tuple[SetUp, ...]:
        """What somebody has set up."""

    async def has(self, tx: Transaction, user_id: UUID) -> frozenset[Method]:
        """The methods of phases that somebody has."""

    async def organisations_of(
        self, tx: Transaction, user_id: UUID, scope: Collection[UUID]
    ) -> Sequence[tuple[UUID, str, str]]:
        """The organisations of a person within a scope: id, name and clock."""

    async def written_lately(self, tx: Transaction, user_id: UUID, now: datetime) -> frozenset[UUID]:
        """The phases of which support had somebody written a short while ago."""

    async def note_written(self, tx: Transaction, phase_id: UUID, user_id: UUID, now: datetime) -> None:
        """Support has somebody written of a phase now."""

    async def waiting_of(self, tx: Transaction, user_id: UUID) -> frozenset[UUID]:
        """The phases for which an exception waits that somebody asked for."""

    async def ask(
        self,
        tx: Transaction,
        *,
        ident: UUID,
        phase_id: UUID,
        user_id: UUID,
        until: datetime,
        why: str,
        who: str,
        now: datetime,
    ) -> bool:
        """Keep that an exception is asked for. False: one waits already."""

    async def asked(
        self, tx: Transaction, programme_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[ExceptionAsked]:
        """Exceptions that were asked for in a programme, the newest first."""

    async def decide(
        self, tx: Transaction, programme_id: UUID, ident: UUID, who: str, now: datetime, *, granted: bool
    ) -> ExceptionAsked | None:
        """Keep what an administrator decided. None: there is none that waits."""


class PhasesKept(Protocol):
    """Where programmes and their phases are known, and whom they reach."""

    async def find(self, tx: Transaction, programme_id: UUID, *, claim: bool = False) -> Programme | None:
        """One programme."""

    async def planned(
        self, tx: Transaction, scope: Collection[UUID], programme_id: UUID | None = None
    ) -> Sequence[PlannedPhase]:
        """The phases of programmes of these organisations, in order."""

    async def facts(self, tx: Transaction, organisation_id: UUID, user_id: UUID, now: datetime) -> Facts:
        """What rules ask of one person."""

    async def standings(
        self, tx: Transaction, phase_ids: Collection[UUID], user_id: UUID, now: datetime
    ) -> Mapping[UUID, Standing]:
        """What these phases remember of a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportActs:
    """What support sees and does; and what an administrator decides of what it asked for."""

    database: Database
    valkey: Valkey
    clock: Clock
    entropy: Entropy
    people: People
    supported: Supported
    sign_ins: SignIns
    directory: Directory
    phases: PhasesKept
    leading: Leading
    recovery: Recovery
    throttle: Throttle
    queue: Queue
    page: str
    """Where people set up how they sign in."""
    help_at: str
    """Where the help pages are."""

    async def list(self, who: Administrator, name: str, page: Page) -> SupportList:
        """People whose name holds `name`, by name. Raises `NOT_UNDERSTOOD` without one: nobody needs them all."""
        if not name:
            raise Problem(problems.NOT_UNDERSTOOD, "name: part of a display name or login name is expected")
        after = page.cursor(NameCursor.decode)
        async with self.database.connect() as tx:
            found = await self.people.people(
                tx, who.organisations, name=name, after=after, now=self.clock.now(), limit=page.limit + 1
            )
        shown, following = page.cut(found, lambda one: NameCursor(one.display_name, one.id).encode())
        entries = (
            SupportEntry(id=one.id, display_name=one.display_name, login_name=one.login_name, state=one.state)
            for one in shown
        )
        return SupportList(tuple(entries), following)

    async def show(self, who: Administrator, user_id: UUID) -> SupportDocument:
        """One person; that they were looked at is on record, whatever comes of it."""
        async with self.database.begin() as tx:
            person, account = await self._person(tx, who, user_id)
            await record(tx, who, Kind.SUPPORT_LOOKED, str(user_id), {"whole": person.whole})
            phases = await self._meets(tx, who, user_id)
            around = await self._around(tx, person, account)
            attempts = (
                await self.sign_ins.page(tx, user_id, outcomes=(), before=None, limit=ATTEMPTS) if person.whole else ()
            )
            set_up = await self.supported.set_up(tx, user_id) if person.whole else ()
        return SupportDocument(
            id=person.id,
            display_name=person.display_name,
            login_names=person.login_names,
            email=masked(person.email) if person.email else "",
            locale=person.locale,
            state=person.state,
            lock_reason=person.lock_reason,
            live=person.session is not None,
            whole=person.whole,
            set_up=set_up,
            phases=phases,
            attempts=tuple(
                LastAttempt(
                    at=told.sign_in.at,
                    outcome=told.sign_in.outcome,
                    why=why_not(told.sign_in.outcome, told.sign_in.amr),
                    device=told.sign_in.device_label,
                    place=told.sign_in.place,
                )
                for told in attempts
            ),
            acts=support.possible(phases, around),
        )

    async def recover(self, who: Administrator, user_id: UUID, why: str) -> SupportDocument:
        """Mail them a link to get back in, to their own address and nowhere else. Raises `NOT_NEEDED`, `TooMany`."""
        async with self.database.connect() as tx:
            await self._may(tx, who, user_id, "recovery", None)
        await self.throttle.attempt(RECOVERY_OF_ACCOUNT, str(user_id))
        async with self.database.begin() as tx:
            person, account = await self._may(tx, who, user_id, "recovery", None)
            assert account.email is not None
            link = await self.recovery.link(tx, user_id, None, self.clock.now(), sent_to=account.email)
            minutes = str(int(LIFETIME.total_seconds() // 60))
            await self._write(tx, who, account, NoticeKind.RECOVERY, {"recovery": link, "minutes": minutes})
            await record(tx, who, Kind.SUPPORT_ACTED, str(person.id), {"act": "recovery", "why": why})
        await notices.poke(self.valkey)
        return await self.show(who, user_id)

    async def remind(self, who: Administrator, user_id: UUID, asked: AskedForPhase) -> SupportDocument:
        """Write to them of a phase once more. Raises `NOT_NEEDED`."""
        async with self.database.begin() as tx:
            await self.people.hold(tx, user_id)
            _, account = await self._may(tx, who, user_id, "reminder", asked.phase_id)
            await self._remind(tx, who, account, asked.phase_id)
            details = {"act": "reminder", "phase": str(asked.phase_id), "why": asked.why}
            await record(tx, who, Kind.SUPPORT_ACTED, str(user_id), details)
        await notices.poke(self.valkey)
        return await self.show(who, user_id)

    async def ask_exception(self, who: Administrator, user_id: UUID, asked: AskedException) -> SupportDocument:
        """Ask an administrator to except them from a phase for a while. Raises `NOT_NEEDED`."""
        async with self.database.begin() as tx:
            now = self.clock.now()
            if asked.until.tzinfo is None or not now < asked.until <= now + LONGEST_ASKED:
                raise Problem(problems.NOT_UNDERSTOOD, f"until: a moment within {LONGEST_ASKED.days} days is expected")
            await self._may(tx, who, user_id, "exception", asked.phase_id)
            kept = await self.supported.ask(
                tx,
                ident=self.entropy.uuid(),
                phase_id=asked.phase_id,
                user_id=user_id,
                until=asked.until,
                why=asked.why,
                who=str(who.user_id),
                now=now,
            )
            if not kept:
                raise Problem(problems.NOT_NEEDED, private="asked meanwhile")
            details = {"act": "exception", "phase": str(asked.phase_id), "why": asked.why}
            await record(tx, who, Kind.SUPPORT_ACTED, str(user_id), {**details, "until": asked.until.isoformat()})
        return await self.show(who, user_id)

    async def asked(self, who: Administrator, programme_id: UUID, page: Page) -> ExceptionsAsked:
        """Exceptions that support asked for, the newest first."""
        before = page.cursor(EntryCursor.decode)
        async with self.database.connect() as tx:
            await self._programme(tx, who, programme_id)
            found = await self.supported.asked(tx, programme_id, before, page.limit + 1)
        shown, following = page.cut(found, lambda one: EntryCursor(one.asked_at, one.id).encode())
        return ExceptionsAsked(tuple(shown), following)

    async def decide(self, who: Administrator, programme_id: UUID, ident: UUID, asked: Decision) -> ExceptionAsked:
        """Give an exception that was asked for, or refuse it. Raises `CHANGED_MEANWHILE`."""
        async with self.database.begin() as tx:
            programme = await self._programme(tx, who, programme_id, claim=True)
            decided = await self.supported.decide(
                tx, programme_id, ident, str(who.user_id), self.clock.now(), granted=asked.grant
            )
            if decided is None:
                raise Problem(problems.CHANGED_MEANWHILE)
            if asked.grant:
                if decided.until <= self.clock.now():
                    raise Problem(problems.NOT_NEEDED, private="it would be over already")
                by = By(str(who.user_id), asked.why, who.correlation_id, who.sid)
                await self.leading.grant(tx, programme, decided.phase_id, decided.user_id, decided.until, by)
            details = {"request": str(ident), "granted": asked.grant, "why": asked.why}
            await record(tx, who, Kind.EXCEPTION_DECIDED, str(decided.user_id), details)
        return decided

    async def _person(self, tx: Transaction, who: Administrator, user_id: UUID) -> tuple[PersonDocument, Account]:
        person = await self.people.person(tx, who.organisations, user_id, self.clock.now())
        account = await self.directory.account(tx, user_id)
        if person is None or account is None:
            raise Problem(problems.NOT_FOUND)
        return person, account

    async def _may(
        self, tx: Transaction, who: Administrator, user_id: UUID, act: support.Act, phase_id: UUID | None
    ) -> tuple[PersonDocument, Account]:
        person, account = await self._person(tx, who, user_id)
        phases = await self._meets(tx, who, user_id)
        for one in support.possible(phases, await self._around(tx, person, account)):
            if (one.act, one.phase_id) == (act, phase_id):
                if one.hindrance is not None:
                    raise Problem(problems.NOT_NEEDED, private=one.hindrance)
                return person, account
        raise Problem(problems.NOT_FOUND)

    async def _meets(self, tx: Transaction, who: Administrator, user_id: UUID) -> tuple[MeetsPhase, ...]:
        now, found = self.clock.now(), list[MeetsPhase]()
        has = await self.supported.has(tx, user_id)
        waiting = await self.supported.waiting_of(tx, user_id)
        for organisation, _, _ in await self.supported.organisations_of(tx, user_id, who.organisations):
            planned = await self.phases.planned(tx, [organisation])
            if not planned:
                continue
            facts = await self.phases.facts(tx, organisation, user_id, now)
            standings = await self.phases.standings(tx, [one.phase.id for one in planned], user_id, now)
            found += support.meets(planned, facts, standings, has, waiting, now)
        return tuple(found)

    async def _around(self, tx: Transaction, person: PersonDocument, account: Account) -> Circumstances:
        return Circumstances(
            whole=person.whole,
            may_recover=account.may_sign_in or account.lock_reason == "not_me",
            has_mail=bool(account.email),
            written=await self.supported.written_lately(tx, person.id, self.clock.now()),
        )

    async def _remind(self, tx: Transaction, who: Administrator, account: Account, phase_id: UUID) -> None:
        now = self.clock.now()
        for organisation, name, zone in await self.supported.organisations_of(tx, account.id, who.organisations):
            for one in await self.phases.planned(tx, [organisation]):
                if one.phase.id != phase_id:
                    continue
                programme = await self.phases.find(tx, one.phase.programme_id)
                assert programme is not None
                assert account.email is not None
                to = Addressee(
                    user_id=account.id, name=account.display_name, email=account.email, locale=account.locale
                )
                subject, text = words_for(programme, one.phase, support.occasion_of(one), to, name, ZoneInfo(zone), now)
                facts = {"subject": subject, "text": text, "account": self.page, **how_to(one.phase, self.help_at)}
                await self._write(tx, who, account, NoticeKind.PROGRAMME, facts)
                await self.supported.note_written(tx, phase_id, account.id, now)

    async def _write(
        self, tx: Transaction, who: Administrator, account: Account, kind: NoticeKind, facts: dict[str, str]
    ) -> None:
        assert account.email is not None
        notice = notice_to(account, account.email, kind, facts, who.correlation_id)
        await self.queue.put(tx, notice, expires_in=WORTH if kind is NoticeKind.PROGRAMME else None)

    async def _programme(
        self, tx: Transaction, who: Administrator, programme_id: UUID, *, claim: bool = False
    ) -> Programme:
        found = await self.phases.find(tx, programme_id, claim=claim)
        if found is None or found.organisation_id not in who.organisations:
            raise Problem(problems.NOT_FOUND)
        return found
