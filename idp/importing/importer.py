"""Brings the people of a file in, a thousand in each transaction; interrupted anywhere, it goes on from there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from asyncpg import UniqueViolationError

from config.clock import Clock
from config.connections import Database, Transaction
from idp.importing.batch import Batch, Batches, Counts, Known, Ready, Removals, Stage, Surveyed
from idp.importing.person import Candidate, Checker, Fault, Line
from idp.importing.wrapping import Wrapping

CHUNK = 1000
"""People in one transaction: some 50 ms, for which the news of ends wait at most (S4)."""
AT_ONCE = 32
"""People who are read before anything else gets its turn: half a millisecond."""
PATIENCE = 3
"""How often a chunk is tried whose names somebody else takes in the same moment."""

Told = Callable[[Counts], None]
"""Hears how far it is."""
Faulty = Callable[[int, str], None]
"""Hears what is wrong with a line."""


@dataclass(slots=True)
class _Chunk:
    """Some lines of the file, looked at by themselves."""

    read: int = 0
    people: list[Candidate] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)


class Importer:
    """Surveys a file, or brings it in."""

    def __init__(
        self, database: Database, batches: Batches, stage: Stage, surveyed: Surveyed, clock: Clock, wrapping: Wrapping
    ) -> None:
        self._database = database
        self._batches = batches
        self._stage = stage
        self._surveyed = surveyed
        self._clock = clock
        self._wrapping = wrapping

    async def survey(self, lines: Iterator[Line], checker: Checker, told: Told, faulty: Faulty) -> Counts:
        """What would become of the people of a file; nothing is kept, and memory does not grow with it."""
        counts = Counts()
        async with self._database.connect() as connection:
            try:
                await self._surveyed.begin(connection)
                while (chunk := await _next(lines, checker)).read:
                    new, unchanged = await self._sorted(connection, chunk, await self._seen(connection, chunk))
                    await self._surveyed.remember(connection, new)
                    await connection.commit()
                    counts.read += chunk.read
                    counts.created += len(new)
                    counts.unchanged += unchanged
                    counts.refused += len(chunk.faults)
                    counts.passwords.update(_passwords(new))
                    _tell(chunk, counts, told, faulty)
            finally:
                await connection.invalidate()  # what it remembers goes with it
        return counts

    async def bring(self, batch: Batch, lines: Iterator[Line], checker: Checker, told: Told, faulty: Faulty) -> Counts:
        """Bring in, or have wait, who is not there yet, from where it was left. The next lines are read while these are
        kept."""
        counts = batch.counts
        await asyncio.to_thread(_pass_over, lines, counts.read)
        chunk = await _next(lines, checker)
        while chunk.read:
            async with asyncio.TaskGroup() as both:
                keeping = both.create_task(self._keep(batch, chunk, counts))
                reading = both.create_task(_next(lines, checker))
            counts = keeping.result()
            _tell(chunk, counts, told, faulty)
            chunk = reading.result()
        return counts

    async def _keep(self, batch: Batch, chunk: _Chunk, before: Counts) -> Counts:
        own = list(chunk.faults)
        for attempt in range(1, PATIENCE + 1):
            chunk.faults = list(own)
            async with self._database.connect() as tx:
                waiting = batch.source.all_or_nothing and chunk.people
                earlier = await self._stage.earlier(tx, batch.id, chunk.people) if waiting else {}
                new, _ = await self._sorted(tx, chunk, earlier)
            ready = await self._wrapping.ready(new)  # which may take long, and no transaction waits for it
            try:
                async with self._database.begin() as tx:
                    return await self._write(tx, batch, chunk, ready, before)
            except UniqueViolationError:
                if attempt == PATIENCE:
                    raise
        raise AssertionError

    async def _write(
        self, tx: Transaction, batch: Batch, chunk: _Chunk, ready: Sequence[Ready], before: Counts
    ) -> Counts:
        counts = Counts()
        counts.add(before)
        counts.read += chunk.read
        counts.created += len(ready)
        counts.refused += len(chunk.faults)
        counts.unchanged += chunk.read - len(ready) - len(chunk.faults)
        counts.passwords.update(_passwords(one.person for one in ready))
        keep = self._stage.stage if batch.source.all_or_nothing else self._batches.keep
        await keep(tx, batch, ready, counts, self._clock.now())
        await self._batches.keep_faults(tx, batch.id, chunk.faults)
        return counts

    async def _seen(self, connection: Transaction, chunk: _Chunk) -> Mapping[str, bytes]:
        return await self._surveyed.earlier(connection, chunk.people) if chunk.people else {}

    async def _sorted(
        self, tx: Transaction, chunk: _Chunk, earlier: Mapping[str, bytes]
    ) -> tuple[list[Candidate], int]:
        """Who is new, and how many are there as the file has them; what stands against others goes to the faults."""
        names = [one.login_name for one in chunk.people]
        known = await self._batches.known(tx, names, [one.user_id for one in chunk.people]) if names else {}
        there = _Existing(known, earlier)
        new, unchanged = [], 0
        for one in chunk.people:
            found = there.fault_of(one)
            if found is None:
                new.append(one)
            elif found:
                chunk.faults.append((one.line, found))
            else:
                unchanged += 1
        chunk.faults.sort()
        return new, unchanged


_EARLIER = "login_name: an earlier line has it, with other data"


class _Existing:
    """Who is there already, or comes earlier in the file."""

    def __init__(self, known: Mapping[str, Known], earlier: Mapping[str, bytes]) -> None:
        self._known = known
        self._earlier = dict(earlier)
        self._ids = {one.user_id for one in known.values()}

    def fault_of(self, one: Candidate) -> str | None:
        """What stands against keeping somebody; empty: they are there, as the file has them; None: nothing."""
        known, earlier = self._known.get(one.login_name), self._earlier.get(one.login_name)
        if earlier is not None:
            return "" if earlier == one.checksum else _EARLIER
        if known is None:
            if one.user_id in self._ids:
                return "login_name: this person was imported before, and goes by another name by now"
            self._earlier[one.login_name] = one.checksum
            return None
        if known.user_id != one.user_id or known.checksum is None:
            return "login_name: somebody has it already"
        return "" if known.checksum == one.checksum else "login_name: this person was imported before, with other data"


def _pass_over(lines: Iterator[Line], count: int) -> None:
    next(islice(lines, count, count), None)


async def _next(lines: Iterator[Line], checker: Checker) -> _Chunk:
    """The next thousand. A few at a time, so that what is on its way to PostgreSQL goes on: a thread of its own would
    keep the interpreter for milliseconds whenever an answer is there."""
    chunk = _Chunk()
    for line in islice(lines, CHUNK):
        if chunk.read % AT_ONCE == 0:
            await asyncio.sleep(0)
        chunk.read += 1
        try:
            if isinstance(line.read, Fault):
                raise line.read
            chunk.people.append(checker.check(line.number, line.read))
        except Fault as fault:
            chunk.faults.append((line.number, str(fault)))
    return chunk


def _passwords(people: Iterable[Candidate]) -> Counter[tuple[str, str]]:
    return Counter((one.secret.scheme, one.secret.how) for one in people if one.secret is not None)


def _tell(chunk: _Chunk, counts: Counts, told: Told, faulty: Faulty) -> None:
    for line, what in chunk.faults:
        faulty(line, what)
    told(counts)


async def undo(
    database: Database,
    batches: Batches,
    removals: Removals,
    batch: Batch,
    told: Callable[[int, int], None],
    clock: Clock,
) -> tuple[int, int]:
    """Remove whoever of a batch never signed in; how many were, and how many are left. Interrupted, begin it again."""
    removed = left = 0
    line: int | None = 0
    while line is not None:
        async with database.begin() as tx:
            gone, staying, line = await undo_some(tx, batches, removals, batch, line, clock.now())
        removed, left = removed + gone, left + staying
        told(removed, left)
    return removed, left


async def undo_some(
    tx: Transaction, batches: Batches, removals: Removals, batch: Batch, after: int, now: datetime
) -> tuple[int, int, int | None]:
    """The next people of a batch behind a line: how many were removed, how many stay, and the last line of them; None:
    there were none, and the batch is undone."""
    last, ids, staying = await removals.undoable(tx, batch, after, CHUNK // 2)
    if not last:
        await batches.undone(tx, batch.id, now)
        return 0, 0, None
    await removals.remove(tx, batch.id, ids)
    return len(ids), staying, last
