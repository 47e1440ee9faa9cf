"""What an administrator asks for, done in one transaction each; the endpoints only word it."""

from __future__ import annotations

from uuid import UUID

from audit import trail
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from jose.assertion import Subject
from jose.freshness import challenge
from jose.storage.keys import SigningKeys
from policy.admin import problems
from policy.admin.messages import VersionEntry, VersionList
from policy.lint import ADMINISTRATOR
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
        clock: Clock,
        operator: UUID,
    ) -> None:
        """`operator`: the organisation whose administrators may change the policy, since it is everybody's."""
        self._database = database
        self._valkey = valkey
        self._keys = keys
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

    def act(self, who: Subject, why: str, correlation_id: str) -> Act:
        """Who does it, and when."""
        return Act(who.sub, why, self._clock.now(), correlation_id, who.sid)

    async def _found(self, tx: Transaction, number: int) -> Version:
        found = await self._versions.find(tx, number)
        if found is None:
            raise Problem(problems.NO_SUCH_VERSION)
        return found
