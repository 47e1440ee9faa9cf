"""What is done to programmes: each act in its caller's transaction, with its record and its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol, get_args
from uuid import UUID

from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy
from idp.rollout.changes import By, Missing, NotChangeable, PhaseChange, PhaseView, Stale, Unusable
from idp.rollout.cohorts import Cohort, Rule, check_rule
from idp.rollout.demands import OFFERED, PhaseWithRule
from idp.rollout.exceptions import PhaseException, is_allowed
from idp.rollout.phases import (
    CHANGEABLE,
    IN_FORCE,
    Act,
    Circumstances,
    DateName,
    Measured,
    Method,
    NotNow,
    Phase,
    acts_now,
    done,
    due,
)
from idp.rollout.programme import (
    Measurements,
    PhaseRecords,
    Programme,
    Programmes,
    Reached,
    Texts,
)
from idp.rollout.recording import Recording
from idp.rollout.reminders import check_texts
from idp.rollout.template import Template, instantiate

BY_DATE: Final = "by its date"
SCHEDULE: Final = "schedule"
"""Who is on record where nobody was: the worker that goes by the dates."""
MOST_COHORTS: Final = 100
FARTHEST: Final = timedelta(days=20 * 365)
"""How far from now dates may be: beyond it somebody mistyped a year."""


class People(Reached, Measurements, Protocol):
    """Where it is known whom phases reach, and what came of it."""


class Leading:
    """Every act upon a programme."""

    def __init__(
        self,
        programmes: Programmes,
        records: PhaseRecords,
        people: People,
        clock: Clock,
        entropy: Entropy,
        *,
        offered: frozenset[Method] = OFFERED,
    ) -> None:
        """`offered`: the methods that people can set up in this house."""
        self._programmes = programmes
        self._records = records
        self._people = people
        self._clock = clock
        self._entropy = entropy
        self._offered = offered
        self._recording = Recording(programmes, records, clock, entropy)

    async def create(
        self, tx: Transaction, organisation_id: UUID, template: Template, start: datetime, locale: str, by: By
    ) -> Programme:
        """A new programme from a template; its phases are drafts until it is started, or somebody goes on with them.

        Raises `Unusable`.
        """
        now = self._clock.now()
        if abs(start - now) > FARTHEST / 2:
            raise Unusable("start: a moment within ten years is expected")
        made, cohorts, phases = instantiate(
            template, organisation_id, start, locale=locale, now=now, entropy=self._entropy
        )
        await self._programmes.add(tx, made, cohorts, phases, now)
        await self._recording.audit(tx, made, "create", by, {"start": start.isoformat(), "phases": len(phases)})
        return made

    async def start(self, tx: Transaction, programme: Programme, by: By) -> Programme:
        """From now on its phases go on by their dates."""
        if programme.started_at is not None:
            return programme
        started = replace(programme, started_at=self._clock.now(), version=programme.version + 1)
        await self._programmes.put(tx, started)
        await self._recording.audit(tx, programme, "start", by, {})
        return started

    async def rename(self, tx: Transaction, programme: Programme, name: str, texts: Texts, by: By) -> Programme:
        """Another name, other words of its notices. Raises `UnusableText`."""
        check_texts(texts)
        changed = replace(programme, name=name, texts=texts, version=programme.version + 1)
        await self._programmes.put(tx, changed)
        await self._recording.audit(tx, programme, "change", by, {"texts": sorted(texts)})
        return changed

    async def remove(self, tx: Transaction, programme: Programme, by: By) -> None:
        """Forget a claimed programme none of whose phases ever reached anybody. Raises `NotChangeable`."""
        if any(one.begun_at is not None for one in await self._programmes.phases(tx, programme.id)):
            raise NotChangeable
        await self._programmes.remove(tx, programme.id)
        await self._recording.audit(tx, programme, "change", by, {"removed": True})

    async def look(self, tx: Transaction, programme: Programme) -> Sequence[PhaseView]:
        """Its phases in order, with what can be done now."""
        phases, now = await self._programmes.phases(tx, programme.id), self._clock.now()
        measured = {one.id: await self._people.measured(tx, one, now) for one in phases}
        return [PhaseView(one, acts_now(one, self._around(one, phases, measured)), measured[one.id]) for one in phases]

    async def act(
        self,
        tx: Transaction,
        programme: Programme,
        phase_id: UUID,
        act: Act,
        by: By,
        *,
        version: int | None = None,
        share: int | None = None,
    ) -> Phase:
        """Take a phase of a claimed programme on. Raises `Missing`, `Stale`, `NotNow`."""
        phases = await self._programmes.phases(tx, programme.id)
        phase = _of(phases, phase_id, version)
        return await self._done(tx, programme, phases, phase, act, by, share)

    async def change(
        self, tx: Transaction, programme: Programme, phase_id: UUID, version: int, change: PhaseChange, by: By
    ) -> Phase:
        """Write a phase anew. Raises `Missing`, `Stale`, `NotChangeable`, `Unusable`.

        Once people are asked, whom it reaches and what it demands stay; its dates to come may move, never so that
        somebody must earlier than was said.
        """
        phase = _of(await self._programmes.phases(tx, programme.id), phase_id, version)
        asked = {name: value for name in _CHANGEABLE if (value := getattr(change, name)) is not None}
        if phase.state not in CHANGEABLE and (set(asked) & _OF_PEOPLE or not _later_alone(phase, change)):
            raise NotChangeable
        after = replace(phase, **asked, version=phase.version + 1)
        if any(abs(after.dates.of(name) - self._clock.now()) > FARTHEST for name in get_args(DateName)):
            raise Unusable("dates: within twenty years")
        if not after.dates.in_order:
            raise Unusable("dates: announce, begin, enforce and end follow each other")
        if after.cohort_id not in {one.id for one in await self._programmes.cohorts(tx, programme.id)}:
            raise Missing
        await self._recording.keep(tx, programme, phase, after, "change", by, {"changed": sorted(asked)})
        return after

    async def put_cohort(
        self, tx: Transaction, programme: Programme, cohort_id: UUID | None, name: str, rule: Rule, by: By
    ) -> Cohort:
        """Add a cohort, or change one. Raises `UnusableRule`, `Missing`, `NotChangeable`, `Unusable`, `CohortTaken`.

        The rule of one whose phases reach people stays: whoever is in would not know why.
        """
        check_rule(rule)
        known = {one.id: one for one in await self._programmes.cohorts(tx, programme.id)}
        if cohort_id is None:
            if len(known) >= MOST_COHORTS:
                raise Unusable(f"at most {MOST_COHORTS} cohorts")
            cohort_id = self._entropy.uuid()
        elif cohort_id not in known:
            raise Missing
        elif known[cohort_id].rule != rule:
            for one in await self._programmes.phases(tx, programme.id):
                if one.cohort_id == cohort_id and one.state in IN_FORCE:
                    raise NotChangeable
        cohort = Cohort(id=cohort_id, programme_id=programme.id, name=name, rule=rule)
        await self._programmes.put_cohort(tx, cohort)
        await self._recording.audit(tx, programme, "change", by, {"cohort": name})
        return cohort

    async def grant(
        self, tx: Transaction, programme: Programme, phase_id: UUID, user_id: UUID, until: datetime, by: By
    ) -> PhaseException:
        """A phase demands nothing of somebody until a date. Raises `Missing`, `Unusable`."""
        now = self._clock.now()
        phase = _of(await self._programmes.phases(tx, programme.id), phase_id, None)
        if not is_allowed(until, now):
            raise Unusable("until: a moment within a year is expected")
        facts = await self._people.facts(tx, programme.organisation_id, user_id, now)
        if programme.organisation_id not in facts.organisations:
            raise Missing
        exception = PhaseException(
            id=self._entropy.uuid(),
            phase_id=phase.id,
            user_id=user_id,
            until=until,
            why=by.why,
            who=by.who,
            granted_at=now,
        )
        await self._records.grant(tx, exception)
        details = {"person": str(user_id), "until": until.isoformat()}
        await self._recording.note(tx, programme, phase, phase, "except", by, details)
        return exception

    async def withdraw(self, tx: Transaction, programme: Programme, exception_id: UUID, by: By) -> PhaseException:
        """Take an exception back before its end. Raises `Missing`."""
        found = await self._records.exception(tx, exception_id)
        phases = {one.id: one for one in await self._programmes.phases(tx, programme.id)}
        if found is None or found.phase_id not in phases:
            raise Missing
        taken = await self._records.withdraw(tx, exception_id, by.who, self._clock.now())
        if taken is None:
            return found
        phase = phases[taken.phase_id]
        await self._recording.note(tx, programme, phase, phase, "withdraw", by, {"person": str(taken.user_id)})
        return taken

    async def go_on(self, tx: Transaction, programme: Programme, correlation_id: str) -> int:
        """Do what the dates of a claimed programme say. Returns how many acts were done.

        What cannot be done now is recorded once as held back, and tried again at the next look.
        """
        acted, by = 0, By(SCHEDULE, BY_DATE, correlation_id)
        if programme.started_at is None:
            return acted
        for phase in await self._programmes.phases(tx, programme.id):
            act = due(phase, self._clock.now())
            if act is None:
                continue
            phases = await self._programmes.phases(tx, programme.id)
            try:
                await self._done(tx, programme, phases, phase, act, by, None)
            except NotNow as error:
                held = await self._records.held_back(tx, phase.id)
                details = {"act": act, "because": error.why.value}
                if held is None or held.details != details:
                    await self._recording.note(tx, programme, phase, phase, "held_back", by, details)
            else:
                acted += 1
        return acted

    async def to_take_in(
        self, tx: Transaction, programme: Programme, at: PhaseWithRule, after: UUID | None, limit: int
    ) -> tuple[Sequence[UUID], UUID | None]:
        """Of the next people those whom a phase in force reaches by now; after whom to go on, None: nobody else."""
        return await self._people.to_take_in(tx, programme.organisation_id, at, self._clock.now(), after, limit)

    async def take_in(self, tx: Transaction, phase: Phase, people: Sequence[UUID]) -> None:
        """Take in some of those whom `to_take_in` found."""
        await self._people.take_in(tx, phase.id, people, self._clock.now())

    async def _done(
        self,
        tx: Transaction,
        programme: Programme,
        phases: Sequence[Phase],
        phase: Phase,
        act: Act,
        by: By,
        share: int | None,
    ) -> Phase:
        now = self._clock.now()
        before = _before(phase, phases)
        measured = {one.id: await self._people.measured(tx, one, now) for one in (phase, before) if one is not None}
        after = done(phase, act, now, self._around(phase, phases, measured), share=share)
        details: dict[str, object] = {"share": after.share} if after.share != phase.share else {}
        seen = measured[phase.id]
        if seen.sample:
            details["measured"] = {"successes": seen.successes, "failures": seen.failures, "feedback": seen.feedback}
        await self._recording.keep(tx, programme, phase, after, act, by, details)
        return after

    def _around(self, phase: Phase, phases: Sequence[Phase], measured: Mapping[UUID, Measured]) -> Circumstances:
        before = _before(phase, phases)
        return Circumstances(
            offered=self._offered,
            measured=measured[phase.id],
            before=before,
            measured_before=measured[before.id] if before is not None else Measured(),
        )


_CHANGEABLE: Final = ("cohort_id", "share", "demand", "dates", "grace_days", "reminders", "thresholds")
_OF_PEOPLE: Final = frozenset({"cohort_id", "share", "demand", "grace_days"})


def _of(phases: Sequence[Phase], phase_id: UUID, version: int | None) -> Phase:
    phase = next((one for one in phases if one.id == phase_id), None)
    if phase is None:
        raise Missing
    if version is not None and phase.version != version:
        raise Stale
    return phase


def _before(phase: Phase, phases: Sequence[Phase]) -> Phase | None:
    """The phase of the same kind before it."""
    earlier = [one for one in phases if one.kind == phase.kind and one.position < phase.position]
    return max(earlier, key=lambda one: one.position, default=None)


def _later_alone(phase: Phase, change: PhaseChange) -> bool:
    """What was begun stays begun, and nobody must earlier than was said."""
    if change.dates is None:
        return True
    if phase.state in ("finished", "rolled_back"):
        return False
    now, new = phase.dates, change.dates
    begun = new.announce_at == now.announce_at and new.begin_at == now.begin_at
    if phase.state == "enforced":
        return begun and new.enforce_at == now.enforce_at
    return begun and new.enforce_at >= now.enforce_at
