"""Looks at programmes under way: how far each phase is, pilot and control, and the report over all of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.rollout.analysis import Counts, PlannedPhase, group
from idp.rollout.comparison import Comparison, ControlIs, Person, Platforms, compare
from idp.rollout.daily import Days
from idp.rollout.programme import Programme
from idp.rollout.progress import Counted, PhaseProgress, Phases, progress_of
from idp.rollout.report import (
    SPAN,
    Remains,
    Report,
    advice,
    began_at,
    by_strength,
    cost_of,
    old_hashes,
    span_before,
)


class ComparedSides(Protocol):
    """Both groups of a phase, as `idp.rollout.comparison.compare` takes them."""

    @property
    def control_is(self) -> ControlIs: ...
    @property
    def since(self) -> datetime: ...
    @property
    def pilot(self) -> Sequence[Person]: ...
    @property
    def control(self) -> Sequence[Person]: ...
    @property
    def platforms(self) -> tuple[Platforms, Platforms]: ...


class Compared(Protocol):
    """Where whom a phase reached stands beside whom it did not."""

    async def sides(self, tx: Transaction, planned: PlannedPhase, now: datetime) -> ComparedSides:
        """Both groups of a phase that has begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporting:
    """Everything that is said of programmes under way."""

    phases: Phases
    counted: Counted
    compared: Compared
    counts: Counts
    days: Days
    remains: Remains

    async def planned(self, tx: Transaction, programme: Programme) -> Sequence[PlannedPhase]:
        """The phases of a programme, in order."""
        return await self.phases.planned(tx, [programme.organisation_id], programme.id)

    async def progress(self, tx: Transaction, programme: Programme, now: datetime) -> tuple[PhaseProgress, ...]:
        """How far each of them is."""
        planned = await self.planned(tx, programme)
        return tuple([await progress_of(tx, self.counted, one, now) for one in planned])

    async def comparison(self, tx: Transaction, planned: PlannedPhase, now: datetime) -> Comparison:
        """Whom a phase reached beside whom it did not."""
        found = await self.compared.sides(tx, planned, now)
        return compare(
            found.pilot,
            found.control,
            found.platforms,
            control_is=found.control_is,
            since=found.since,
            until=now,
            random=Random(planned.phase.id.int),  # noqa: S311 - for resamples; the same figures give the same interval
        )

    async def report(self, tx: Transaction, programme: Programme, organisation: str, now: datetime) -> Report:
        """The report of a programme, at this moment."""
        scope: Collection[UUID] = [programme.organisation_id]
        planned = await self.planned(tx, programme)
        phases = tuple([await progress_of(tx, self.counted, one, now) for one in planned])
        begun = [one for one in planned if one.phase.begun_at is not None]
        comparisons = {str(one.phase.id): await self.comparison(tx, one, now) for one in begun}
        began = began_at([one.phase for one in planned])
        before = span_before(began)
        tomorrow = now.date() + timedelta(days=1)
        groups = await self.counts.groups(tx, scope, now)
        ready = next((one for one in groups if one.by == "all"), group("all", "", "", {}))
        still = await self.remains.still_by_password(tx, programme.organisation_id, now - SPAN)
        exceptions = await self.remains.exceptions(tx, programme.id, now)
        old = old_hashes(await self.counts.hashes(tx, scope))
        return Report(
            programme_id=programme.id,
            programme=programme.name,
            organisation=organisation,
            at=now,
            began_at=began,
            people=ready.people,
            ready=ready,
            signed_in=by_strength(
                await self.days.cells(tx, scope, *before) if before is not None else (),
                await self.days.cells(tx, scope, tomorrow - SPAN, tomorrow),
            ),
            phases=phases,
            comparisons=comparisons,
            costs=tuple(cost_of(one) for one in phases),
            still_by_password=still,
            exceptions=exceptions,
            old_hashes=old,
            advice=advice(phases, comparisons, still_by_password=still, exceptions=exceptions, old=old),
        )
