"""What administrators do with programmes of their organisations, each act in one transaction with its record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem, ProblemType
from events import outbox
from idp.administration import problems
from idp.administration.page import Page
from idp.administration.programme_documents import (
    ActNow,
    ActRequest,
    CohortEntry,
    CohortRequest,
    EventEntry,
    EventList,
    ExceptionEntry,
    ExceptionList,
    ExceptionRequest,
    HitEntry,
    LegacyHashes,
    MeasuredEntry,
    PhaseDates,
    PhaseEntry,
    PhaseRequest,
    PreviewDocument,
    ProgrammeChange,
    ProgrammeDocument,
    ProgrammeEntry,
    ProgrammeList,
    ProgrammeRemoved,
    ProgrammeRequest,
)
from idp.administration.remembered import Remembered
from idp.administration.scope import Administrator, EntryCursor
from idp.rollout.changes import By, Missing, NotChangeable, PhaseChange, PhaseView, Stale, Unusable
from idp.rollout.cohorts import Rule, UnusableRule, check_rule
from idp.rollout.exceptions import PhaseException
from idp.rollout.leading import Leading
from idp.rollout.phases import Act, Dates, NotNow, Phase
from idp.rollout.programme import CohortTaken, PhaseRecords, Preview, Programme, Programmes, Reached
from idp.rollout.reminders import UnusableText
from idp.rollout.template import shipped

_REFUSALS: tuple[tuple[type[Exception], ProblemType], ...] = (
    (NotNow, problems.PHASE_NOT_NOW),
    (Missing, problems.NOT_FOUND),
    (Stale, problems.CHANGED_MEANWHILE),
    (NotChangeable, problems.PHASE_IN_FORCE),
    (CohortTaken, problems.COHORT_TAKEN),
    (Unusable, problems.PROGRAMME_REFUSED),
    (UnusableRule, problems.PROGRAMME_REFUSED),
    (UnusableText, problems.PROGRAMME_REFUSED),
)


class LegacyCounts(Protocol):
    """Where it is known who depends on what an old system made."""

    async def legacy_hashes(self, tx: Transaction, organisation_id: UUID) -> tuple[dict[str, int], int, bool]:
        """People by scheme, people without a password, and whether an old system is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeActs:
    """Lists, shows, begins and leads on."""

    database: Database
    valkey: Valkey
    clock: Clock
    programmes: Programmes
    records: PhaseRecords
    people: Reached
    leading: Leading
    legacy: LegacyCounts
    remembered: Remembered

    async def list(self, who: Administrator, page: Page) -> ProgrammeList:
        """Those of the caller's organisations, the newest first."""
        async with self.database.connect() as tx:
            found = await self.programmes.page(tx, who.organisations, page.cursor(EntryCursor.decode), page.limit + 1)
        shown, following = page.cut(found, lambda one: EntryCursor(one.created_at, one.id).encode())
        entries = tuple(
            ProgrammeEntry(
                id=one.id,
                organisation_id=one.organisation_id,
                name=one.name,
                started_at=one.started_at,
                version=one.version,
                created_at=one.created_at,
            )
            for one in shown
        )
        return ProgrammeList(entries, following)

    async def show(self, who: Administrator, programme_id: UUID) -> ProgrammeDocument:
        """One, whole."""
        async with self.database.connect() as tx:
            return await self._document(tx, await self._find(tx, who, programme_id))

    async def create(self, who: Administrator, asked: ProgrammeRequest) -> ProgrammeDocument:
        """A new one from a template."""
        if asked.organisation_id not in who.organisations:
            raise Problem(problems.NOT_FOUND)
        by, template = _by(who, asked.why), asked.template or shipped()
        async with self._changing() as tx:
            made = await self.leading.create(tx, asked.organisation_id, template, asked.start, asked.locale, by)
            if asked.go_on:
                made = await self.leading.start(tx, made, by)
            return await self._document(tx, made)

    async def change(self, who: Administrator, programme_id: UUID, asked: ProgrammeChange) -> ProgrammeDocument:
        """Another name, other words."""
        async with self._changing() as tx:
            programme = await self._claimed(tx, who, programme_id, asked.version)
            by = _by(who, asked.why)
            return await self._document(tx, await self.leading.rename(tx, programme, asked.name, asked.texts, by))

    async def start(self, who: Administrator, programme_id: UUID, version: int, why: str) -> ProgrammeDocument:
        """From now on its phases go on by their dates."""
        async with self._changing() as tx:
            programme = await self._claimed(tx, who, programme_id, version)
            return await self._document(tx, await self.leading.start(tx, programme, _by(who, why)))

    async def remove(self, who: Administrator, programme_id: UUID, version: int, why: str) -> ProgrammeRemoved:
        """Forget one that never reached anybody."""
        async with self._changing() as tx:
            programme = await self._claimed(tx, who, programme_id, version)
            await self.leading.remove(tx, programme, _by(who, why))
        return ProgrammeRemoved(programme_id)

    async def put_cohort(
        self, who: Administrator, programme_id: UUID, cohort_id: UUID | None, asked: CohortRequest
    ) -> CohortEntry:
        """Add a cohort, or change one."""
        async with self._changing() as tx:
            programme = await self._claimed(tx, who, programme_id)
            kept = await self.leading.put_cohort(tx, programme, cohort_id, asked.name, asked.rule, _by(who, asked.why))
        return CohortEntry(kept.id, kept.name, kept.rule)

    async def change_phase(
        self, who: Administrator, programme_id: UUID, phase_id: UUID, asked: PhaseRequest
    ) -> PhaseEntry:
        """Write a phase anew."""
        dates = asked.dates
        change = PhaseChange(
            cohort_id=asked.cohort_id,
            share=asked.share,
            demand=asked.demand,
            dates=Dates(dates.announce, dates.begin, dates.enforce, dates.end) if dates is not None else None,
            grace_days=asked.grace_days,
            reminders=asked.reminders,
            thresholds=asked.thresholds,
        )
        async with self._changing() as tx:
            programme = await self._claimed(tx, who, programme_id)
            await self.leading.change(tx, programme, phase_id, asked.version, change, _by(who, asked.why))
            return await self._phase(tx, programme, phase_id)

    async def act(
        self, who: Administrator, programme_id: UUID, phase_id: UUID, act: Act, asked: ActRequest
    ) -> PhaseEntry:
        """Take a phase on."""
        async with self._changing() as tx:
            programme = await self._claimed(tx, who, programme_id)
            by = _by(who, asked.why)
            await self.leading.act(tx, programme, phase_id, act, by, version=asked.version, share=asked.share)
            return await self._phase(tx, programme, phase_id)

    async def preview(
        self, who: Administrator, programme_id: UUID, phase_id: UUID | None, rule: Rule | None, limit: int
    ) -> PreviewDocument:
        """Whom a phase reaches or would reach, or whom a rule is about that nobody has kept yet."""
        async with self._changing() as tx:
            programme = await self._find(tx, who, programme_id)
            phase = None
            if phase_id is not None:
                phase = _one(await self.programmes.phases(tx, programme.id), phase_id)
                rules = {one.id: one.rule for one in await self.programmes.cohorts(tx, programme.id)}
                rule = rules[phase.cohort_id]
            if rule is None:
                raise Problem(problems.NOT_FOUND)
            check_rule(rule)
        asked = rule

        async def make() -> Preview:
            async with self.database.connect() as tx:
                now = self.clock.now()
                return await self.people.preview(tx, programme.organisation_id, asked, phase, now, limit)

        version = (phase.id, phase.version) if phase is not None else None
        found = await self.remembered.figures(("preview", programme.id, version, repr(rule), limit), make)
        people = tuple(HitEntry(one.user_id, one.name, one.enrolled, one.excepted) for one in found.people)
        return PreviewDocument(found.total, found.ready, people)

    async def events(self, who: Administrator, programme_id: UUID, phase_id: UUID, page: Page) -> EventList:
        """What was done to a phase, the newest first."""
        async with self.database.connect() as tx:
            programme = await self._find(tx, who, programme_id)
            _one(await self.programmes.phases(tx, programme.id), phase_id)
            found = await self.records.events(tx, phase_id, page.cursor(EntryCursor.decode), page.limit + 1)
        shown, following = page.cut(found, lambda one: EntryCursor(one.at, one.id).encode())
        entries = tuple(
            EventEntry(
                at=one.at,
                act=one.act,
                from_state=one.from_state,
                to_state=one.to_state,
                who=one.who,
                why=one.why,
                details=one.details,
            )
            for one in shown
        )
        return EventList(entries, following)

    async def exceptions(self, who: Administrator, programme_id: UUID, page: Page) -> ExceptionList:
        """All of a programme, also those that are over."""
        async with self.database.connect() as tx:
            programme = await self._find(tx, who, programme_id)
            found = await self.records.exceptions(tx, programme.id, page.cursor(EntryCursor.decode), page.limit + 1)
        shown, following = page.cut(found, lambda one: EntryCursor(one.granted_at, one.id).encode())
        now = self.clock.now()
        return ExceptionList(tuple(_exception(one, now) for one in shown), following)

    async def grant(self, who: Administrator, programme_id: UUID, asked: ExceptionRequest) -> ExceptionEntry:
        """A phase demands nothing of somebody until a date."""
        async with self._changing() as tx:
            programme = await self._claimed(tx, who, programme_id)
            made = await self.leading.grant(
                tx, programme, asked.phase_id, asked.user_id, asked.until, _by(who, asked.why)
            )
        return _exception(made, self.clock.now())

    async def withdraw(self, who: Administrator, programme_id: UUID, exception_id: UUID, why: str) -> ExceptionEntry:
        """Take one back before its end."""
        async with self._changing() as tx:
            programme = await self._claimed(tx, who, programme_id)
            taken = await self.leading.withdraw(tx, programme, exception_id, _by(who, why))
        return _exception(taken, self.clock.now())

    async def legacy_hashes(self, who: Administrator, organisation_id: UUID) -> LegacyHashes:
        """Who still depends on what an old system made."""
        if organisation_id not in who.organisations:
            raise Problem(problems.NOT_FOUND)
        async with self.database.connect() as tx:
            schemes, without, named = await self.legacy.legacy_hashes(tx, organisation_id)
        return LegacyHashes(schemes, without, named)

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[Transaction]:
        """A transaction, whose refusals are told as problems; afterwards every node hears of what changed."""
        try:
            async with self.database.begin() as tx:
                yield tx
        except tuple(kind for kind, _ in _REFUSALS) as error:
            problem = next(problem for kind, problem in _REFUSALS if isinstance(error, kind))
            told = error.why.value if isinstance(error, NotNow) else str(error)
            raise Problem(problem, told or None) from error
        await outbox.poke(self.valkey)

    async def _find(self, tx: Transaction, who: Administrator, programme_id: UUID, *, claim: bool = False) -> Programme:
        found = await self.programmes.find(tx, programme_id, claim=claim)
        if found is None or found.organisation_id not in who.organisations:
            raise Problem(problems.NOT_FOUND)
        return found

    async def _claimed(
        self, tx: Transaction, who: Administrator, programme_id: UUID, version: int | None = None
    ) -> Programme:
        programme = await self._find(tx, who, programme_id, claim=True)
        if version is not None and programme.version != version:
            raise Problem(problems.CHANGED_MEANWHILE)
        return programme

    async def _document(self, tx: Transaction, programme: Programme) -> ProgrammeDocument:
        cohorts = await self.programmes.cohorts(tx, programme.id)
        return ProgrammeDocument(
            id=programme.id,
            organisation_id=programme.organisation_id,
            name=programme.name,
            texts=programme.texts,
            started_at=programme.started_at,
            version=programme.version,
            created_at=programme.created_at,
            cohorts=tuple(CohortEntry(one.id, one.name, one.rule) for one in cohorts),
            phases=tuple(_phase(one) for one in await self.leading.look(tx, programme)),
        )

    async def _phase(self, tx: Transaction, programme: Programme, phase_id: UUID) -> PhaseEntry:
        views = await self.leading.look(tx, programme)
        return next(_phase(one) for one in views if one.phase.id == phase_id)


def _by(who: Administrator, why: str) -> By:
    return By(str(who.user_id), why, who.correlation_id, who.sid)


def _one(phases: Sequence[Phase], phase_id: UUID) -> Phase:
    for one in phases:
        if one.id == phase_id:
            return one
    raise Problem(problems.NOT_FOUND)


def _phase(view: PhaseView) -> PhaseEntry:
    one, dates, measured = view.phase, view.phase.dates, view.measured
    return PhaseEntry(
        id=one.id,
        position=one.position,
        key=one.key,
        name=one.name,
        kind=one.kind,
        state=one.state,
        cohort_id=one.cohort_id,
        share=one.share,
        demand=one.demand,
        dates=PhaseDates(announce=dates.announce_at, begin=dates.begin_at, enforce=dates.enforce_at, end=dates.end_at),
        grace_days=one.grace_days,
        reminders=one.reminders,
        thresholds=one.thresholds,
        begun_at=one.begun_at,
        version=one.version,
        acts=tuple(ActNow(act, why.value if why is not None else None) for act, why in view.acts.items()),
        measured=MeasuredEntry(measured.successes, measured.failures, measured.feedback),
    )


def _exception(one: PhaseException, now: datetime) -> ExceptionEntry:
    return ExceptionEntry(
        id=one.id,
        phase_id=one.phase_id,
        user_id=one.user_id,
        until=one.until,
        why=one.why,
        who=one.who,
        granted_at=one.granted_at,
        withdrawn_at=one.withdrawn_at,
        withdrawn_by=one.withdrawn_by,
        holds=one.holds(now),
    )
