"""What becomes of versions, done in one transaction each; `policy.admin.releases` only words it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection

from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from events import outbox
from jose.assertion import Subject
from jose.keys import KeyRing
from jose.storage.keys import SigningKeys
from policy import casbin_lines, drafts, shadow, versions
from policy.admin import problems
from policy.admin.messages import (
    ApprovalState,
    DraftAnswer,
    HistoryEntry,
    HistoryPage,
    LintAnswer,
    Proposal,
    ShadowRequest,
    ShadowState,
    TrialRequest,
    VersionDocument,
    VersionEntry,
    VersionList,
)
from policy.admin.problems import FaultEntry, FaultyPolicy
from policy.admin.wording import entry, worded
from policy.artefact import Policy
from policy.casbin_lines import Lines
from policy.checks import findings as check
from policy.decoded import Decoded
from policy.difference import Difference, difference
from policy.drafts import Drafts
from policy.lint import Finding
from policy.policy_tests import TestReport, run
from policy.shadow import Report, Shadows
from policy.snapshot import compile_policy
from policy.versions import Act, Match, Version

_NOTHING = Policy((), (), ())


class ReleaseDesk:
    """Drafts, approvals, shadows, publications, for somebody who may."""

    def __init__(
        self,
        database: Database,
        valkey: Valkey,
        keys: SigningKeys,
        kept: Drafts,
        shadows: Shadows,
        clock: Clock,
        *,
        approvals: int,
    ) -> None:
        """`approvals`: how many people it takes to publish a version, its author among them."""
        self._database = database
        self._valkey = valkey
        self._keys = keys
        self._kept = kept
        self._shadows = shadows
        self._clock = clock
        self._needed = approvals - 1
        self._decoded = Decoded()

    def act(self, who: Subject, why: str, correlation_id: str) -> Act:
        """Who does it, and when."""
        return Act(who.sub, why, self._clock.now(), correlation_id, who.sid)

    async def list(self, before: int, limit: int) -> VersionList:
        """Those below a number, the newest first."""
        async with self._database.connect() as tx:
            found = await self._kept.latest(tx, before=before, limit=limit + 1)
        page = [VersionEntry.of(version) for version in found[:limit]]
        return VersionList(page, page[-1].number if len(found) > limit else None)

    async def show(self, number: int | None) -> tuple[Version, VersionDocument]:
        """One version, or with None the published one."""
        async with self._database.connect() as tx:
            found = await self._current(tx) if number is None else await self._found(tx, number)
            approvals = await self._approvals(tx, found)
            shadowed = await self._shadows.newest(tx, found.number)
        state = None if shadowed is None else ShadowState.of(shadowed, self._clock.now())
        return found, await asyncio.to_thread(VersionDocument.of, found, approvals, state)

    async def draft(self, asked: Proposal, act: Act) -> tuple[Version, DraftAnswer]:
        """Store a draft, all or nothing. Raises `FaultyPolicy`."""
        lines = await _lines(asked)
        async with self._acting() as tx:
            base = await versions.published_policy(self._kept, tx) or _NOTHING
            with worded(lines):
                made, findings = await versions.draft(self._kept, tx, asked.completed(lines, base), act)
        return made, _draft_answer(made, findings, lines)

    async def edit(self, number: int, asked: Proposal, act: Act, match: Match) -> tuple[Version, DraftAnswer]:
        """Give a draft another content, all or nothing. Raises `FaultyPolicy`."""
        lines = await _lines(asked)
        async with self._acting() as tx:
            with worded(lines):
                found = await drafts.to_change(self._kept, tx, number, match)
                base = await self._decoded.of(found)
                made, findings = await drafts.edit(self._kept, tx, found, asked.completed(lines, base), act)
        return made, _draft_answer(made, findings, lines)

    async def draft_of(self, made_of: Callable[[Policy], Policy], act: Act) -> tuple[Version, DraftAnswer]:
        """Store a draft that is made of what is published. Raises `FaultyPolicy`."""
        async with self._acting() as tx:
            base = await versions.published_policy(self._kept, tx) or _NOTHING
            with worded():
                made, findings = await versions.draft(self._kept, tx, await asyncio.to_thread(made_of, base), act)
        return made, _draft_answer(made, findings, None)

    async def amend(
        self, number: int, changed: Callable[[Policy], Policy], act: Act, match: Match
    ) -> tuple[Version, DraftAnswer]:
        """Give a draft the content that `changed` makes of the one that it has. Raises `FaultyPolicy`."""
        async with self._acting() as tx:
            with worded():
                found = await drafts.to_change(self._kept, tx, number, match)
                base = await self._decoded.of(found)
                made, findings = await drafts.edit(self._kept, tx, found, await asyncio.to_thread(changed, base), act)
        return made, _draft_answer(made, findings, None)

    async def content(self, number: int | None) -> tuple[Version, Policy]:
        """What stands in one version, or with None in the published one."""
        async with self._database.connect() as tx:
            found = await self._current(tx) if number is None else await self._found(tx, number)
        return found, await self._decoded.of(found)

    async def withdraw(self, number: int, act: Act, match: Match) -> VersionEntry:
        async with self._acting() as tx:
            with worded():
                await drafts.withdraw(self._kept, tx, await drafts.to_change(self._kept, tx, number, match), act)
            return VersionEntry.of(await self._found(tx, number))

    async def publish(self, number: int, act: Act, match: Match, confirmed: Collection[str]) -> Version:
        async with self._acting() as tx:
            ring = await self._ring(tx)
            with worded():
                return await versions.publish(
                    self._kept,
                    tx,
                    number,
                    ring.active,
                    act,
                    match=match,
                    confirmed=confirmed,
                    approvals=self._needed,
                )

    async def roll_back(self, number: int, act: Act, confirmed: Collection[str]) -> Version:
        async with self._acting() as tx:
            ring = await self._ring(tx)
            with worded():
                return await versions.roll_back(self._kept, tx, number, ring.active, act, confirmed=confirmed)

    async def approve(self, number: int, act: Act, match: Match) -> ApprovalState:
        async with self._acting() as tx:
            with worded():
                found = await drafts.to_change(self._kept, tx, number, match)
                await drafts.approve(self._kept, tx, found, act)
            return await self._approvals(tx, found)

    async def retract(self, number: int, act: Act, match: Match) -> ApprovalState:
        """Take one's own approval back."""
        async with self._acting() as tx:
            with worded():
                found = await drafts.to_change(self._kept, tx, number, match)
                await drafts.retract(self._kept, tx, found, act)
            return await self._approvals(tx, found)

    async def lint(self, asked: TrialRequest) -> LintAnswer:
        """Look at a policy that is stored nowhere."""
        policy, lines = await self._tried(asked)
        async with self._database.connect() as tx:
            former = await versions.published_policy(self._kept, tx)
        found = await asyncio.to_thread(check, policy, former)
        return LintAnswer(tuple(entry(finding, lines) for finding in found))

    async def test(self, asked: TrialRequest) -> TestReport:
        """Run the tests of a policy that is stored nowhere. Raises `FaultyPolicy`."""
        policy, lines = await self._tried(asked)
        with worded(lines):
            await versions.storable(policy, None)
        return await asyncio.to_thread(_tested, policy, 1)

    async def test_version(self, number: int) -> TestReport:
        async with self._database.connect() as tx:
            found = await self._found(tx, number)
        return await asyncio.to_thread(_tested, await self._decoded.of(found), number)

    async def difference(self, number: int, against: int | None) -> Difference:
        """What a version changes, compared with another, or with None with the published one."""
        async with self._database.connect() as tx:
            found = await self._found(tx, number)
            other = await (self._kept.current(tx) if against is None else self._found(tx, against))
        before = None if other is None else await self._decoded.of(other)
        after = await self._decoded.of(found)
        compared = None if other is None else other.number
        return await asyncio.to_thread(difference, before, after, version=found.number, against=compared)

    async def history(self, before: int, limit: int) -> HistoryPage:
        """What was done before a line of the history, the newest first."""
        async with self._database.connect() as tx:
            found = await self._kept.entries(tx, before=before, limit=limit + 1)
        page = tuple(HistoryEntry(*(getattr(each, name) for name in HistoryEntry.__struct_fields__)) for each in found)
        return HistoryPage(page[:limit], str(found[limit - 1].id) if len(found) > limit else None)

    async def begin_shadow(self, number: int, asked: ShadowRequest, act: Act) -> Report:
        async with self._acting() as tx:
            ring = await self._ring(tx)
            with worded():
                await shadow.begin(
                    self._kept,
                    self._shadows,
                    tx,
                    number,
                    ring.active,
                    act,
                    share=asked.share,
                    seconds=asked.seconds,
                )
            return await shadow.report(self._shadows, tx, number, act.at)

    async def end_shadow(self, number: int, act: Act) -> Report:
        async with self._acting() as tx:
            with worded():
                await shadow.end(self._kept, tx, number, act)
            return await shadow.report(self._shadows, tx, number, act.at)

    async def shadow_report(self, number: int) -> Report:
        async with self._database.connect() as tx:
            with worded():
                return await shadow.report(self._shadows, tx, number, self._clock.now())

    @contextlib.asynccontextmanager
    async def _acting(self) -> AsyncIterator[Transaction]:
        async with self._database.begin() as tx:
            yield tx
        await outbox.poke(self._valkey)

    async def _tried(self, asked: TrialRequest) -> tuple[Policy, Lines]:
        lines = await _lines(asked)
        async with self._database.connect() as tx:
            if asked.version is None:
                base = await versions.published_policy(self._kept, tx)
            else:
                found = await self._found(tx, asked.version)
                base = await self._decoded.of(found)
        return asked.completed(lines, base or _NOTHING), lines

    async def _approvals(self, tx: Transaction, found: Version) -> ApprovalState:
        given = await self._kept.approvals(tx, found.number)
        return ApprovalState.of(given, found.sha256, self._needed)

    async def _ring(self, tx: Transaction) -> KeyRing:
        """The keys of the policy, once nobody else publishes, nor signs anew what is published: by the key of now."""
        await self._kept.hold(tx)
        return await self._keys.load_ring(tx, "policy")

    async def _current(self, tx: Transaction) -> Version:
        found = await self._kept.current(tx)
        if found is None:
            raise Problem(problems.NO_POLICY)
        return found

    async def _found(self, tx: Transaction, number: int) -> Version:
        found = await self._kept.find(tx, number)
        if found is None:
            raise Problem(problems.NO_SUCH_VERSION)
        return found


async def _lines(asked: Proposal) -> Lines:
    try:
        return await asyncio.to_thread(casbin_lines.read, asked.rules)
    except casbin_lines.WrongLines as error:
        found = [FaultEntry(each.message, line=each.line, severity="error") for each in error.errors]
        raise FaultyPolicy(found) from error


def _draft_answer(made: Version, findings: tuple[Finding, ...], lines: Lines | None) -> DraftAnswer:
    return DraftAnswer(VersionEntry.of(made), tuple(entry(finding, lines) for finding in findings))


def _tested(policy: Policy, number: int) -> TestReport:
    return run(policy, compile_policy(policy, number))
