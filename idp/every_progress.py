"""How people sign in and how far programmes are, for whoever may run a command on a machine of the house.

A composition root of `munjigi rollout`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, open_database
from config.settings import Settings
from idp.every_client import NotDone
from idp.programme_parts import analyses, reporting
from idp.rollout.analysis import Analyses, Analysis
from idp.rollout.analysis_paper import analysis_pdf
from idp.rollout.programme import Programme
from idp.rollout.progress import PhaseProgress
from idp.rollout.report import Report
from idp.rollout.report_paper import report_pdf
from idp.rollout.reporting import Reporting
from idp.rollout.saying import Saying
from idp.storage import (
    administered_organisations,
    programmes,
)
from pages.locale import Locale


@dataclass(frozen=True, slots=True)
class EveryProgress:
    """Looks at every organisation. Whatever cannot be shown raises `NotDone`."""

    database: Database
    analyses: Analyses
    reporting: Reporting
    clock: Clock

    async def analysis(self, organisation: UUID | None, days: int) -> Analysis:
        """How the people of one organisation, or of all, sign in."""
        async with self.database.connect() as tx:
            return await self.analyses.make(tx, await _scope(tx, organisation), days, self.clock.now())

    async def analysis_paper(self, organisation: UUID | None, days: int, locale: Locale) -> bytes:
        """The same as a PDF."""
        async with self.database.connect() as tx:
            scope = await _scope(tx, organisation)
            one = await self.analyses.make(tx, scope, days, self.clock.now())
            named = await administered_organisations.organisations(tx, scope)
        say = Saying(locale, named[0].time_zone if named else "Asia/Seoul")
        return await asyncio.to_thread(analysis_pdf, one, say, [found.name for found in named])

    async def progress(self, programme_id: UUID) -> tuple[PhaseProgress, ...]:
        """How far the phases of a programme are."""
        async with self.database.connect() as tx:
            return await self.reporting.progress(tx, await _find(tx, programme_id), self.clock.now())

    async def report(self, programme_id: UUID) -> tuple[Report, str]:
        """The report of a programme, and the clock that its organisation goes by."""
        async with self.database.connect() as tx:
            programme = await _find(tx, programme_id)
            [organisation] = await administered_organisations.organisations(tx, [programme.organisation_id])
            return (
                await self.reporting.report(tx, programme, organisation.name, self.clock.now()),
                organisation.time_zone,
            )

    async def report_paper(self, programme_id: UUID, locale: Locale) -> bytes:
        """The same as a PDF."""
        report, zone = await self.report(programme_id)
        return await asyncio.to_thread(report_pdf, report, Saying(locale, zone))


@asynccontextmanager
async def every_progress(settings: Settings) -> AsyncIterator[EveryProgress]:
    """On the engines of these settings."""
    database = open_database(settings, "idp")
    try:
        yield EveryProgress(database, analyses(), reporting(), SystemClock())
    finally:
        await database.dispose()


async def _scope(tx: Transaction, organisation: UUID | None) -> Sequence[UUID]:
    every = await administered_organisations.every_organisation(tx)
    if organisation is None:
        return list(every)
    if organisation not in every:
        raise NotDone(f"there is no organisation {organisation}")
    return [organisation]


async def _find(tx: Transaction, programme_id: UUID) -> Programme:
    found = await programmes.find(tx, programme_id)
    if found is None:
        raise NotDone(f"there is no programme {programme_id}")
    return found
