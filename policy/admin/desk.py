"""What an administrator asks for, done in one transaction each; the endpoints only word it."""

from __future__ import annotations

from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from jose.assertion import Subject
from jose.storage.keys import SigningKeys
from policy.admin import problems
from policy.admin.messages import VersionEntry, VersionList
from policy.versions import Act, Version, Versions

PAGE = 50


class Desk:
    """Everything the API can do, for somebody who was let in (`policy.admin.admission`)."""

    def __init__(
        self,
        database: Database,
        valkey: Valkey,
        keys: SigningKeys,
        kept: Versions,
        clock: Clock,
    ) -> None:
        self._database = database
        self._valkey = valkey
        self._keys = keys
        self._clock = clock
        self._versions = kept

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
