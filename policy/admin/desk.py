"""What an administrator asks for, done in one transaction each; the endpoints only word it."""

from __future__ import annotations

from uuid import UUID

from audit import trail
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from events import outbox
from jose.assertion import Subject
from jose.freshness import challenge
from jose.keys import KeyRing
from jose.storage.keys import SigningKeys
from policy import artefact, casbin_lines, versions
from policy.admin import problems
from policy.admin.messages import DraftAnswer, DraftRequest, VersionDocument, VersionEntry, VersionList
from policy.admin.problems import FaultEntry, FaultyPolicy
from policy.artefact import Policy
from policy.casbin_lines import Lines
from policy.explain import Explanation, explain
from policy.lint import ADMINISTRATOR, Finding
from policy.live import LivePolicy
from policy.request import AccessRequest
from policy.snapshot import compile_policy
from policy.versions import Act, Version, Versions

PAGE = 50


class Desk:
    """Everything the API can do, for somebody who was found to be an administrator."""

    def __init__(
        self,
        database: Database,
        valkey: Valkey,
        keys: SigningKeys,
        kept: Versions,
        live: LivePolicy,
        clock: Clock,
        operator: UUID,
    ) -> None:
        """`operator`: the organisation whose administrators may change the policy, since it is everybody's."""
        self._database = database
        self._valkey = valkey
        self._keys = keys
        self._live = live
        self._clock = clock
        self._versions = kept
        self._operator = str(operator)

    async def admit(self, who: Subject, correlation_id: str, *, changing: bool = False) -> None:
        """Refuse whoever is no administrator, and put it on record.

        Whoever is `changing` something must be one of the operating organisation, with fresh factors. Raises
        `NOT_ADMINISTRATOR`, `NOT_OPERATOR`, `FACTORS_NOT_FRESH`.
        """
        if not (ADMINISTRATOR in who.roles and who.sub):
            await self._refused(who, correlation_id)
            raise Problem(problems.NOT_ADMINISTRATOR)
        if changing and who.org != self._operator:
            await self._refused(who, correlation_id)
            raise Problem(problems.NOT_OPERATOR)
        if changing and (asked := challenge(who, self._clock.timestamp())) is not None:
            raise Problem(problems.FACTORS_NOT_FRESH, headers=asked)

    async def _refused(self, who: Subject, correlation_id: str) -> None:
        async with self._database.begin() as tx:
            await trail.record(
                tx,
                trail.AuditEvent(
                    kind=trail.Kind.ADMINISTRATION_REFUSED,
                    correlation_id=correlation_id,
                    actor=who.sub,
                    subject="policy",
                    sid=who.sid,
                ),
            )

    async def list(self, before: int, limit: int) -> VersionList:
        async with self._database.connect() as tx:
            found = await self._versions.latest(tx, before=before, limit=limit + 1)
        page = [VersionEntry.of(version) for version in found[:limit]]
        return VersionList(page, page[-1].number if len(found) > limit else None)

    async def show(self, number: int | None) -> VersionDocument:
        """One version, or with None the published one."""
        async with self._database.connect() as tx:
            found = await self._current(tx) if number is None else await self._found(tx, number)
        return VersionDocument.of(found)

    async def draft(self, asked: DraftRequest, act: Act) -> DraftAnswer:
        """Store a draft, all or nothing. Raises `FaultyPolicy`."""
        try:
            lines = casbin_lines.read(asked.rules)
        except casbin_lines.WrongLines as error:
            raise FaultyPolicy([FaultEntry(each.message, line=each.line) for each in error.errors]) from error
        async with self._database.begin() as tx:
            policy = await self._completed(tx, asked, lines)
            try:
                made, findings = await versions.draft(self._versions, tx, policy, act)
            except versions.Refused as error:
                raise FaultyPolicy([_entry(finding, lines) for finding in error.findings]) from error
        return DraftAnswer(VersionEntry.of(made), tuple(_entry(finding, lines) for finding in findings))

    async def publish(self, number: int, act: Act) -> VersionEntry:
        async with self._database.begin() as tx:
            ring = await self._ring(tx)
            try:
                made = await versions.publish(self._versions, tx, number, ring.active, act)
            except versions.NoSuchVersion as error:
                raise Problem(problems.NO_SUCH_VERSION) from error
            except versions.Overtaken as error:
                raise Problem(problems.OVERTAKEN, f"{error}; {problems.OVERTAKEN.remedy}") from error
            except versions.Refused as error:
                raise FaultyPolicy([_entry(finding) for finding in error.findings]) from error
        await outbox.poke(self._valkey)
        return VersionEntry.of(made)

    async def roll_back(self, number: int, act: Act) -> VersionEntry:
        async with self._database.begin() as tx:
            ring = await self._ring(tx)
            try:
                made = await versions.roll_back(self._versions, tx, number, ring.active, act)
            except versions.NoSuchVersion as error:
                raise Problem(problems.NO_SUCH_VERSION) from error
            except versions.Refused as error:
                raise FaultyPolicy([_entry(finding) for finding in error.findings]) from error
        await outbox.poke(self._valkey)
        return VersionEntry.of(made)

    async def explain(self, request: AccessRequest, number: int | None) -> Explanation:
        """By the published version (its signature checked), or by any other, a draft too."""
        if number is None:
            await self._live.refresh()
            return explain(request, self._live.snapshot)
        async with self._database.connect() as tx:
            found = await self._found(tx, number)
        return explain(request, compile_policy(artefact.decode(found.artefact), found.number))

    def act(self, who: Subject, why: str, correlation_id: str) -> Act:
        """Who does it, and when."""
        return Act(who.sub, why, self._clock.now(), correlation_id, who.sid)

    async def _completed(self, tx: Transaction, asked: DraftRequest, lines: Lines) -> Policy:
        """The policy that was sent, with what it leaves out taken from the published one."""
        current = await self._versions.current(tx)
        base = artefact.decode(current.artefact) if current is not None else Policy((), (), ())
        return Policy(
            roles=base.roles if asked.roles is None else asked.roles,
            zones=base.zones if asked.zones is None else asked.zones,
            rules=lines.rules,
            inheritance=lines.inheritance,
            organisations=base.organisations if asked.organisations is None else asked.organisations,
            assignments=lines.assignments,
            resources=lines.resources,
            elevations=base.elevations if asked.elevations is None else asked.elevations,
        )

    async def _ring(self, tx: Transaction) -> KeyRing:
        """The keys of the policy, once nobody else publishes, nor signs anew what is published: by the key of now."""
        await self._versions.hold(tx)
        return await self._keys.load_ring(tx, "policy")

    async def _current(self, tx: Transaction) -> Version:
        found = await self._versions.current(tx)
        if found is None:
            raise Problem(problems.NO_POLICY)
        return found

    async def _found(self, tx: Transaction, number: int) -> Version:
        found = await self._versions.find(tx, number)
        if found is None:
            raise Problem(problems.NO_SUCH_VERSION)
        return found


def _entry(finding: Finding, lines: Lines | None = None) -> FaultEntry:
    line = lines.where.get(finding.rule) if lines is not None else None
    return FaultEntry(finding.message, finding.fault.value, line, finding.rule)
