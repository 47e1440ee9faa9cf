"""How far the caller's programmes are: phase by phase, who is stuck, pilot and control, the report."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from config.clock import Clock
from config.connections import Database, Transaction
from config.problem import Problem
from idp.administration import problems
from idp.administration.page import Page
from idp.administration.progress_documents import ProgressDocument, StuckList
from idp.administration.registry import Organisations
from idp.administration.remembered import Remembered
from idp.administration.scope import Administrator, NameCursor
from idp.rollout.analysis import PlannedPhase
from idp.rollout.comparison import Comparison
from idp.rollout.programme import Programme
from idp.rollout.report import Report
from idp.rollout.report_paper import report_pdf
from idp.rollout.reporting import Reporting
from idp.rollout.saying import Saying
from pages.locale import Locale


class ProgrammesKept(Protocol):
    """Where programmes are kept."""

    async def find(self, tx: Transaction, programme_id: UUID, *, claim: bool = False) -> Programme | None:
        """One."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressActs:
    """Looks at the programmes of the caller's organisations."""

    database: Database
    clock: Clock
    programmes: ProgrammesKept
    reporting: Reporting
    organisations: Organisations
    remembered: Remembered

    async def progress(self, who: Administrator, programme_id: UUID) -> ProgressDocument:
        """How far its phases are."""
        async with self.database.connect() as tx:
            programme = await self._programme(tx, who, programme_id)
            versions = await self._versions(tx, programme)

        async def make() -> ProgressDocument:
            async with self.database.connect() as tx:
                return ProgressDocument(await self.reporting.progress(tx, programme, self.clock.now()))

        return await self.remembered.figures(("progress", programme.id, *versions), make)

    async def stuck(self, who: Administrator, programme_id: UUID, phase_id: UUID, page: Page) -> StuckList:
        """Who of a phase may need help."""
        after = page.cursor(NameCursor.decode)
        async with self.database.connect() as tx:
            planned = await self._phase(tx, who, programme_id, phase_id)
            found = await self.reporting.counted.stuck(
                tx, planned.phase, self.clock.now(), after=after, limit=page.limit + 1
            )
        shown, following = page.cut(found, lambda one: NameCursor(one.display_name, one.user_id).encode())
        return StuckList(tuple(shown), following)

    async def comparison(self, who: Administrator, programme_id: UUID, phase_id: UUID) -> Comparison:
        """Whom a phase reached beside whom it did not. Raises `PHASE_NOT_BEGUN`."""
        async with self.database.connect() as tx:
            planned = await self._phase(tx, who, programme_id, phase_id)
            if planned.phase.begun_at is None:
                raise Problem(problems.PHASE_NOT_BEGUN)

        async def make() -> Comparison:
            async with self.database.connect() as tx:
                return await self.reporting.comparison(tx, planned, self.clock.now())

        return await self.remembered.figures(("comparison", phase_id, planned.phase.version), make)

    async def report(self, who: Administrator, programme_id: UUID) -> Report:
        """The report at this moment."""
        return (await self._report(who, programme_id))[0]

    async def paper(self, who: Administrator, programme_id: UUID, locale: Locale) -> bytes:
        """The same as a PDF, by the organisation's clock."""
        report, zone = await self._report(who, programme_id)
        return await asyncio.to_thread(report_pdf, report, Saying(locale, zone))

    async def _report(self, who: Administrator, programme_id: UUID) -> tuple[Report, str]:
        async with self.database.connect() as tx:
            programme = await self._programme(tx, who, programme_id)
            [organisation] = await self.organisations.organisations(tx, [programme.organisation_id])
            versions = await self._versions(tx, programme)

        async def make() -> Report:
            async with self.database.connect() as tx:
                return await self.reporting.report(tx, programme, organisation.name, self.clock.now())

        of = ("report", programme.id, organisation.name, *versions)
        return await self.remembered.figures(of, make), organisation.time_zone

    async def _versions(self, tx: Transaction, programme: Programme) -> tuple[int, ...]:
        """What was done to a programme and its phases shows at once."""
        planned = await self.reporting.planned(tx, programme)
        return (programme.version, *(one.phase.version for one in planned))

    async def _programme(self, tx: Transaction, who: Administrator, programme_id: UUID) -> Programme:
        found = await self.programmes.find(tx, programme_id)
        if found is None or found.organisation_id not in who.organisations:
            raise Problem(problems.NOT_FOUND)
        return found

    async def _phase(self, tx: Transaction, who: Administrator, programme_id: UUID, phase_id: UUID) -> PlannedPhase:
        programme = await self._programme(tx, who, programme_id)
        for planned in await self.reporting.planned(tx, programme):
            if planned.phase.id == phase_id:
                return planned
        raise Problem(problems.NOT_FOUND)
