"""What was decided, looked up, explained and decided again, for somebody who was found to be an administrator."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import msgspec

from config.clock import Clock
from config.connections import Database
from config.entropy import Entropy
from config.problem import Problem
from policy.admin import problems
from policy.admin.decision_messages import DecisionEntry, ReplayDocument, ReplayRequest, told_of
from policy.any_version import AnyVersion
from policy.decision import Decision
from policy.explain import Explanation, explain
from policy.live import LivePolicy
from policy.recorded import Recorded, decide_again
from policy.recording.finding import Decisions, Wanted, find, page
from policy.replay import Findings
from policy.replaying import MOST_UNFINISHED, Replay, Replays, as_recorded
from policy.request import AccessRequest
from policy.versions import NoSuchVersion

EPOCH = datetime.fromtimestamp(0, UTC)
"""Before anything that is kept."""


class Archive:
    """Recorded decisions, and questions that nobody asked."""

    def __init__(
        self,
        database: Database,
        decisions: Decisions,
        replays: Replays,
        compiled: AnyVersion,
        live: LivePolicy,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._database = database
        self._decisions = decisions
        self._replays = replays
        self._compiled = compiled
        self._live = live
        self._clock = clock
        self._entropy = entropy

    async def explain(self, request: AccessRequest, number: int | None) -> Explanation:
        """By the published version (its signature checked), or by any other, a draft too."""
        if number is None:
            await self._live.refresh()
            return explain(request, self._live.snapshot)
        try:
            return explain(request, await self._compiled.of(number))
        except NoSuchVersion as error:
            raise Problem(problems.NO_SUCH_VERSION) from error

    async def explanation(self, correlation_id: str, number: int | None) -> Explanation:
        """Of a recorded decision, by its own version or by another."""
        async with self._database.connect() as tx:
            found = await find(self._decisions, tx, correlation_id)
        if found is None:
            raise Problem(problems.NO_SUCH_DECISION)
        one = found.recorded
        if (request := one.request) is None:
            return Explanation(as_recorded(one), recorded=told_of(found, None))
        by = one.version if number is None else number
        try:
            snapshot = await self._compiled.of(by)
        except NoSuchVersion as error:
            raise Problem(problems.NO_SUCH_VERSION) from error
        told = explain(request, snapshot, one.route_step_up)
        reproduced = None
        if by == one.version:
            again = decide_again(one, snapshot)
            reproduced = again is not None and _same(one, again)
        return msgspec.structs.replace(told, recorded=told_of(found, reproduced))

    async def list(self, wanted: Wanted, limit: int) -> tuple[list[DecisionEntry], tuple[float, str] | None]:
        """Those that are wanted, and after which one the next page follows."""
        async with self._database.connect() as tx:
            found, after = await page(self._decisions, tx, wanted, limit)
        return [DecisionEntry.of(one) for one in found], after

    async def replay(self, number: int, asked: ReplayRequest, who: str) -> ReplayDocument:
        """Ask for recorded decisions to be decided again by a version."""
        try:
            await self._compiled.of(number)
            if asked.against is not None:
                await self._compiled.of(asked.against)
        except NoSuchVersion as error:
            raise Problem(problems.NO_SUCH_VERSION) from error
        now = self._clock.now()
        until = min(asked.until or now, now)
        since = asked.since or EPOCH
        if since >= until:
            raise Problem(problems.NOT_UNDERSTOOD, "`since` comes before `until`, and neither is in the future")
        job = Replay(
            id=self._entropy.uuid(),
            version=number,
            against=asked.against,
            since=since,
            until=until,
            most=asked.limit,
            who=who,
            why=asked.why,
            asked_at=now,
            state="waiting",
            of=0,
            done=0,
            segment="",
            sequence=0,
            findings=Findings(),
        )
        async with self._database.begin() as tx:
            if not await self._replays.ask(tx, job, MOST_UNFINISHED):
                raise Problem(problems.TOO_MANY_REPLAYS)
        return ReplayDocument.of_job(job)

    async def replayed(self, ident: UUID) -> ReplayDocument:
        """A replay as it is now."""
        async with self._database.connect() as tx:
            job = await self._replays.find(tx, ident)
        if job is None:
            raise Problem(problems.NO_SUCH_REPLAY)
        return ReplayDocument.of_job(job)


def _same(one: Recorded, again: Decision) -> bool:
    return msgspec.structs.replace(again, stands_until=0.0) == as_recorded(one)
