"""The worker `decisions`: copies what this machine's gateways record to where it can be looked up.

It reads segments while they are still written (whole lines only, what was read once is not read again), and never
writes to their folder. One of it belongs on each machine that has gateways; a second one does no harm.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol

import structlog

from audit.segment_file import sequence_of
from audit.segments import OPEN, SEALED
from config.clock import Clock
from config.connections import Database, Transaction
from policy.recording import blocks
from policy.recording.blocks import LARGEST, Block

WRITER = "gateway-"
"""What the segments of gateways begin with."""
AT_ONCE = 8 * 1024 * 1024
"""Bytes of a segment that are read at once."""
FORGET_EVERY = 600.0
"""Seconds between two looks for what is old."""

_log = structlog.get_logger(__name__)


class Copies(Protocol):
    """Where the copies are; `policy.storage.decisions` is it."""

    async def hold(self, tx: Transaction, segment: str) -> None:
        """Be the one that copies this segment until the transaction ends."""

    async def copied(self, tx: Transaction, segment: str) -> int:
        """The last sequence number that was copied of it; 0: none."""

    async def add(self, tx: Transaction, made: Sequence[Block]) -> None:
        """Keep blocks."""

    async def of_segment(self, tx: Transaction, segment: str) -> Sequence[Block]:
        """All blocks of a segment, in order."""

    async def replace(self, tx: Transaction, segment: str, made: Sequence[Block]) -> None:
        """Keep these blocks in place of all that there are of a segment."""

    async def forget(self, tx: Transaction, before: datetime, most: int) -> int:
        """Forget blocks that ended before a moment, and the oldest ones beyond so many bytes; how many."""


class _Found(NamedTuple):
    name: str
    path: Path
    closed: bool


class Copier:
    """Copies what is new whenever it is asked to `look`."""

    def __init__(
        self, database: Database, copies: Copies, folder: Path, clock: Clock, *, kept: timedelta, most: int
    ) -> None:
        """`kept`: how long copies are kept; `most`: bytes of all of them together."""
        self._database = database
        self._copies = copies
        self._folder = folder
        self._clock = clock
        self._kept = kept
        self._most = most
        self._offsets: dict[str, int] = {}
        """How far each segment was read that is still of interest."""
        self._done: set[str] = set()
        self._forgot_at = float("-inf")

    async def look(self) -> int:
        """Copy what was recorded since the last look; how many records."""
        copied = 0
        oldest = self._clock.timestamp() - self._kept.total_seconds()
        found = await asyncio.to_thread(_segments, self._folder, oldest)
        for one in found:
            if one.name not in self._done:
                copied += await self._copy(one)
        present = {one.name for one in found}
        self._done &= present
        self._offsets = {name: offset for name, offset in self._offsets.items() if name in present}
        if self._clock.monotonic() >= self._forgot_at + FORGET_EVERY:
            self._forgot_at = self._clock.monotonic()
            await self._forget()
        return copied

    async def _copy(self, one: _Found) -> int:
        copied = 0
        if one.closed and one.name not in self._offsets and await self._is_copied(one):
            self._done.add(one.name)
            return 0
        while True:
            offset = self._offsets.get(one.name, 0)
            lines, self._offsets[one.name] = await asyncio.to_thread(_read, one.path, offset)
            if not lines:
                break
            copied += await self._keep(one.name, lines)
        if one.closed:
            await self._merge(one.name)
            self._done.add(one.name)
        return copied

    async def _is_copied(self, one: _Found) -> bool:
        """Whether all of a closed segment was copied in an earlier life."""
        async with self._database.connect() as tx:
            last = await self._copies.copied(tx, one.name)
        return bool(last) and last == await asyncio.to_thread(_last, one.path)

    async def _keep(self, name: str, lines: list[bytes]) -> int:
        made = await asyncio.to_thread(blocks.pack, name, lines)
        async with self._database.begin() as tx:
            await self._copies.hold(tx, name)
            last = await self._copies.copied(tx, name)
            if made and made[0].first <= last:
                made = await asyncio.to_thread(_after, name, lines, last)
            await self._copies.add(tx, made)
        return sum(block.records for block in made)

    async def _merge(self, name: str) -> None:
        """A segment that grew slowly is in many small blocks: once it is closed, in as few as need be."""
        async with self._database.begin() as tx:
            await self._copies.hold(tx, name)
            there = await self._copies.of_segment(tx, name)
            if len(there) > 1 and any(block.records < LARGEST for block in there[:-1]):
                await self._copies.replace(tx, name, await asyncio.to_thread(_merged, name, there))

    async def _forget(self) -> None:
        async with self._database.begin() as tx:
            forgot = await self._copies.forget(tx, self._clock.now() - self._kept, self._most)
        if forgot:
            _log.info("decisions_forgotten", blocks=forgot)


def _segments(folder: Path, oldest: float) -> list[_Found]:
    """The segments of gateways that were written to lately, the oldest first."""
    found = []
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return []  # no gateway has run here yet
    for entry in entries:
        stem, _, ending = entry.name.rpartition(".")
        if not entry.name.startswith(WRITER) or f".{ending}" not in (OPEN, SEALED):
            continue
        try:
            state = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue  # it is closed just now, and found by its other name next time
        if state.st_mtime >= oldest:
            found.append((state.st_mtime, _Found(stem, Path(entry.path), f".{ending}" == SEALED)))
    return [one for _, one in sorted(found)]


def _read(path: Path, offset: int) -> tuple[list[bytes], int]:
    """Whole lines from an offset on, and where the next one begins."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(AT_ONCE)
    except FileNotFoundError:
        return [], offset
    whole, end, _ = data.rpartition(b"\n")
    if not end:
        return [], offset
    return whole.split(b"\n"), offset + len(whole) + 1


def _last(path: Path) -> int:
    """The sequence number of the last whole line; 0 where none is found."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - AT_ONCE // 8))
        lines = file.read().split(b"\n")
    return sequence_of(lines[-2]) if len(lines) > 1 else 0


def _after(name: str, lines: list[bytes], last: int) -> list[Block]:
    return blocks.pack(name, (line for line in lines if sequence_of(line) > last))


def _merged(name: str, there: Sequence[Block]) -> list[Block]:
    return blocks.pack(name, (line for block in there for line in block.lines()))
