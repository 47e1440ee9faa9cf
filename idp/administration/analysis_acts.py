"""How the caller's people sign in: looked at, and on paper; what they said of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from config.clock import Clock
from config.connections import Database
from config.problem import Problem
from idp.administration import problems
from idp.administration.analysis_documents import (
    FeedbackEntry,
    FeedbackList,
    MarkRow,
    MarksDocument,
    SignInDays,
)
from idp.administration.page import Page
from idp.administration.registry import Organisations, Scope
from idp.administration.remembered import Remembered
from idp.administration.scope import Administrator, EntryCursor
from idp.rollout.analysis import Analyses, Analysis
from idp.rollout.analysis_paper import analysis_pdf
from idp.rollout.daily import Days, by_method
from idp.rollout.feedback import Feedback
from idp.rollout.saying import Saying
from pages.locale import Locale


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisActs:
    """Makes analyses within the caller's organisations."""

    database: Database
    clock: Clock
    analyses: Analyses
    days: Days
    feedback: Feedback
    organisations: Organisations
    remembered: Remembered

    async def show(self, who: Administrator, organisation: UUID | None, days: int) -> Analysis:
        """Of one organisation, or of all of the caller's."""
        return await self._made(narrowed(who, organisation), days)

    async def paper(self, who: Administrator, organisation: UUID | None, days: int, locale: Locale) -> bytes:
        """The same as a PDF, by the clock of the first organisation."""
        scope = narrowed(who, organisation)
        one = await self._made(scope, days)
        async with self.database.connect() as tx:
            named = await self.organisations.organisations(tx, scope)
        say = Saying(locale, named[0].time_zone if named else "Asia/Seoul")
        return await asyncio.to_thread(analysis_pdf, one, say, [found.name for found in named])

    async def sign_in_days(self, who: Administrator, organisation: UUID | None, days: int) -> SignInDays:
        """What sign-ins came to and took, on each of the last days."""
        until = self.clock.now().date() + timedelta(days=1)
        since = until - timedelta(days=days)
        async with self.database.connect() as tx:
            cells = await self.days.cells(tx, narrowed(who, organisation), since, until)
        return SignInDays(since, until, by_method(cells))

    async def said(self, who: Administrator, organisation: UUID | None, page: Page) -> FeedbackList:
        """What people said, the newest first, without who it was."""
        before = page.cursor(EntryCursor.decode)
        async with self.database.connect() as tx:
            found = await self.feedback.page(tx, narrowed(who, organisation), before, page.limit + 1)
        shown, following = page.cut(found, lambda one: EntryCursor(one.at, one.id).encode())
        entries = (FeedbackEntry(one.id, one.organisation_id, one.method, one.at, one.score, one.text) for one in shown)
        return FeedbackList(tuple(entries), following)

    async def marks(self, who: Administrator, organisation: UUID | None, days: int) -> MarksDocument:
        """Which marks each way in got."""
        since = self.clock.now() - timedelta(days=days)
        async with self.database.connect() as tx:
            marks = await self.feedback.storage.marks(tx, narrowed(who, organisation), since)
        return MarksDocument(days, tuple(MarkRow.of(method, found) for method, found in marks.items()))

    async def _made(self, scope: Scope, days: int) -> Analysis:
        async def make() -> Analysis:
            async with self.database.connect() as tx:
                return await self.analyses.make(tx, scope, days, self.clock.now())

        return await self.remembered.figures(("analysis", frozenset(scope), days), make)


def narrowed(who: Administrator, organisation: UUID | None) -> Scope:
    """One organisation of the caller's, or all. Raises `NOT_FOUND` for another's."""
    if organisation is None:
        return who.organisations
    if organisation not in who.organisations:
        raise Problem(problems.NOT_FOUND)
    return {organisation}
