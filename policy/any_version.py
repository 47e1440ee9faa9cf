"""Versions that were compiled to be asked, not to be in force: any of them, a draft too."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from config.connections import Database
from policy import artefact
from policy.snapshot import NONE, Snapshot, compile_policy
from policy.versions import NoSuchVersion, Versions

KEPT = 2
"""Compiled versions that are kept: a large one takes seconds to compile, and much memory."""


class AnyVersion:
    """Compiles a version once, as long as it says the same."""

    def __init__(self, database: Database, versions: Versions) -> None:
        self._database = database
        self._versions = versions
        self._kept: OrderedDict[tuple[int, str], Snapshot] = OrderedDict()
        self._one_by_one = asyncio.Lock()

    async def of(self, number: int) -> Snapshot:
        """One version; 0 is the one before any, which denies everything. Raises `NoSuchVersion`."""
        if not number:
            return NONE
        async with self._one_by_one:
            async with self._database.connect() as tx:
                found = await self._versions.find(tx, number)
            if found is None:
                raise NoSuchVersion(number)
            key = found.number, found.sha256
            snapshot = self._kept.pop(key, None)
            if snapshot is None:
                policy = await asyncio.to_thread(artefact.decode, found.artefact)
                snapshot = await asyncio.to_thread(compile_policy, policy, found.number)
            self._kept[key] = snapshot
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return snapshot
