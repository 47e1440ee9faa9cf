"""Everybody of a batch that is all or nothing comes in, once it is sure of all of them.

One transaction of them all would keep back the news of every end of a session for as long as it runs (S4). So they wait
where they count for nothing, and one short transaction decides (`sure`): before it nobody is there, and after it
everybody comes in, a thousand at a time, by whoever goes on with it: the command, its next run, or a worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from asyncpg import UniqueViolationError

from config.clock import Clock
from config.connections import Database, Transaction
from idp.importing.batch import Batch, Batches, Removals, Stage
from idp.importing.importer import CHUNK, undo

TAKEN = "login_name: somebody has taken it meanwhile"
SHOWN = 1000
"""Names that were taken meanwhile, told of one batch."""


class Landing:
    """Decides, and moves people in."""

    def __init__(self, database: Database, batches: Batches, stage: Stage, removals: Removals, clock: Clock) -> None:
        self._database = database
        self._batches = batches
        self._stage = stage
        self._removals = removals
        self._clock = clock

    async def sure(self, batch: Batch) -> Sequence[tuple[int, str]]:
        """Decide: what is wrong with lines, and nobody comes in; or nothing is."""
        if not (faults := await self._taken(batch)):
            async with self._database.begin() as tx:
                await self._stage.land(tx, batch.id)
        return faults

    async def finish(self, batch: Batch) -> Sequence[tuple[int, str]]:
        """Move in whoever still waits. Whose names somebody took in these moments: everybody was taken out again."""
        moved = CHUNK
        try:
            while moved:
                async with self._database.begin() as tx:
                    moved = await self._move(tx, batch, self._clock.now())
        except UniqueViolationError:
            faults = await self._taken(batch)
            await self.nobody(batch, faults)
            return faults
        return ()

    async def nobody(self, batch: Batch, faults: Sequence[tuple[int, str]]) -> None:
        """Take out whoever waits, and whoever came in and did not sign in since."""
        async with self._database.begin() as tx:
            await self._batches.keep_faults(tx, batch.id, faults)
            await self._stage.empty(tx, batch.id)
        await undo(self._database, self._batches, self._removals, batch, lambda _gone, _left: None, self._clock)

    async def _move(self, tx: Transaction, batch: Batch, now: datetime) -> int:
        people = await self._stage.next(tx, batch.id, CHUNK)
        await self._batches.keep(tx, batch, people, batch.counts, now)
        return len(people)

    async def _taken(self, batch: Batch) -> Sequence[tuple[int, str]]:
        async with self._database.connect() as tx:
            return [(line, TAKEN) for line, _ in await self._stage.taken(tx, batch.id, SHOWN)]
