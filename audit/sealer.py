"""The sealer: enters closed segment files and ranges of the trail into the chain. Root of `munjigi worker audit`.

Any number may run, one on each machine that writes segments at least: files are sealed where they stand, ranges of the
trail by whoever comes first. No writer ever waits for it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from audit import merkle, segment_file, segments
from audit.chain import Segment
from audit.storage import records, seals
from config.clock import Clock, SystemClock
from config.connections import Database, open_database
from config.pause import pause
from config.settings import Settings

INTERVAL = 5.0
"""Seconds between two looks for something to seal."""
RECORDS_PER_RANGE = 20_000

_log = structlog.get_logger(__name__)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Seal until `stop`, and once more then. Comes back by itself after losing PostgreSQL."""
    database = open_database(settings, "audit")
    sealer = Sealer(database, segments.folder(settings), SystemClock())
    try:
        ready()
        stopping = False
        while not stopping:
            stopping = stop.is_set()
            try:
                await sealer.seal_all()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("audit_not_sealed", error=type(error).__name__, detail=str(error)[:200])
            except records.ClusterChanged:
                _log.critical("audit_trail_restored", remedy="a restored copy numbers transactions anew")
            if not stopping:
                await pause(stop, INTERVAL)
    finally:
        await database.dispose()


class Sealer:
    """Seals what is finished, from one folder and the trail."""

    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        self._database = database
        self._folder = folder
        self._clock = clock
        self._known: set[str] = set()
        """Names that are in the chain, so that each is asked for once."""

    async def seal_all(self) -> int:
        """Seal everything that is finished; answers how many segments that were."""
        sealed = 0
        names = [name for name in await asyncio.to_thread(closed_segments, self._folder) if name not in self._known]
        if names:
            async with self._database.connect() as connection:
                self._known |= await seals.sealed_names(connection, names)
        for name in names:
            if name not in self._known:
                sealed += await self._seal_file(name)
        while await self._seal_records():
            sealed += 1
        return sealed

    async def _seal_file(self, name: str) -> int:
        found = await asyncio.to_thread(_read_and_hash, self._folder, name, self._clock)
        async with self._database.begin() as tx:
            await seals.lock(tx)
            if await seals.sealed_names(tx, [name]):
                return 0
            await seals.enter(tx, found, None)
        return 1

    async def _seal_records(self) -> int:
        async with self._database.begin() as tx:
            await seals.lock(tx)
            bounds = await records.next_range(tx, await seals.sealed_up_to(tx), RECORDS_PER_RANGE)
            if bounds is None:
                return 0
            first, last = bounds
            leaves = merkle.leaf_hashes(row.content for row in await records.rows(tx, first, last))
            sealed = Segment(
                kind="records",
                name=f"records-{first}-{last}",
                first=first,
                last=last,
                records=len(leaves),
                root=merkle.root(leaves),
                sealed_at=self._clock.now(),
            )
            await seals.enter(tx, sealed, b"".join(leaves))
        return 1


def closed_segments(folder: Path) -> list[str]:
    """The names of closed segments, after closing those whose writers died: their locks are free. Changes no byte."""
    for path in sorted(folder.glob(f"*{segments.OPEN}")):
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # its writer closed it just now
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        if path.exists():
            segments.close_segment(descriptor, path)
        else:
            os.close(descriptor)
    return [path.stem for path in sorted(folder.glob(f"*{segments.SEALED}"))]


def _read_and_hash(folder: Path, name: str, clock: Clock) -> Segment:
    file = segment_file.read(folder, name)
    leaves = file.leaves()
    segment_file.write_leaves(folder, name, leaves)
    return Segment(
        kind="file",
        name=name,
        first=file.first,
        last=file.last,
        records=file.records,
        torn=file.torn,
        root=merkle.root(leaves),
        sealed_at=clock.now(),
    )
