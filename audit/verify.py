"""Verification: recomputes the chain, every segment file and every range of the trail, and names what is broken.

It proves that nothing sealed was changed, dropped or added since. It cannot tell that the newest entries of the chain
were cut off together with their files: whoever needs that keeps the newest hash (`Report.head`) somewhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path

import msgspec

from audit import merkle, segment_file, segments
from audit.chain import GENESIS, Segment, entry_hash
from audit.storage import records, seals
from config.connections import Database, open_database
from config.settings import Settings

_ENTRIES_AT_ONCE = 256


class Fault(StrEnum):
    """What can be wrong."""

    CHAIN_BROKEN = "chain_broken"
    CHAIN_GAP = "chain_gap"
    FILE_MISSING = "file_missing"
    SEGMENT_MISSING = "segment_missing"
    RECORD_CHANGED = "record_changed"
    RECORD_MISSING = "record_missing"
    RECORD_ADDED = "record_added"
    SEGMENT_CHANGED = "segment_changed"
    """A segment and the leaf hashes beside it were both changed, so that no single record can be named."""
    RANGE_GAP = "range_gap"


class Finding(msgspec.Struct, frozen=True):
    """One fault: which, in what segment or entry, and where in it."""

    fault: Fault
    where: str
    detail: str


class Report(msgspec.Struct, frozen=True):
    """What was verified and what was found; `findings` in the order of the chain, so the first is the oldest."""

    entries: int
    files: int
    records: int
    """Of files and of the trail together."""
    waiting: int
    """Closed files that are not sealed yet."""
    head: str
    """The newest hash of the chain, hexadecimal."""
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        return not self.findings


async def verify(settings: Settings) -> Report:
    """Verify everything on this machine and in the database, as role `munjigi_audit`."""
    database = open_database(settings, "audit")
    try:
        return await _Verification(database, segments.folder(settings)).run()
    finally:
        await database.dispose()


class _Verification:
    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._findings: list[Finding] = []
        self._files: dict[str, Segment] = {}
        self._records = 0
        self._range_end = 0

    async def run(self) -> Report:
        position, head = 0, GENESIS
        while True:
            async with self._database.connect() as connection:
                entries = await seals.entries(connection, position, _ENTRIES_AT_ONCE)
            if not entries:
                break
            for entry in entries:
                self._check_link(entry, position, head)
                position, head = entry.position, entry.hash
                await self._check_segment(entry)
        waiting = self._check_series()
        return Report(
            entries=position,
            files=len(self._files),
            records=self._records,
            waiting=waiting,
            head=head.hex(),
            findings=tuple(self._findings),
        )

    def _found(self, fault: Fault, where: str, detail: str) -> None:
        self._findings.append(Finding(fault, where, detail))

    def _check_link(self, entry: seals.Entry, position: int, head: bytes) -> None:
        where = f"chain entry {entry.position}"
        if entry.position != position + 1:
            self._found(Fault.CHAIN_GAP, where, f"entry {position + 1} is missing")
        elif entry.previous != head:
            self._found(Fault.CHAIN_BROKEN, where, "it does not follow from the entry before it")
        if entry.hash != entry_hash(entry.position, entry.previous, entry.segment):
            self._found(Fault.CHAIN_BROKEN, where, f"its hash is not that of {entry.segment.name} as stored")

    async def _check_segment(self, entry: seals.Entry) -> None:
        self._records += entry.segment.records
        if entry.segment.kind == "file":
            self._files[entry.segment.name] = entry.segment
            await asyncio.to_thread(self._check_file, entry.segment)
            return
        if entry.segment.first != self._range_end:
            self._found(Fault.RANGE_GAP, entry.segment.name, f"the range before it ended at {self._range_end}")
        self._range_end = entry.segment.last
        async with self._database.connect() as connection:
            rows = await records.rows(connection, entry.segment.first, entry.segment.last)
        self._compare(
            entry.segment,
            segment_file.split_leaves(entry.leaves or b""),
            merkle.leaf_hashes(row.content for row in rows),
            [f"audit.record {row.id}" for row in rows],
        )

    def _check_file(self, sealed: Segment) -> None:
        try:
            file = segment_file.read(self._folder, sealed.name)
        except FileNotFoundError:
            self._found(Fault.FILE_MISSING, sealed.name, f"{sealed.records} records from {sealed.first} on are gone")
            return
        self._compare(
            sealed,
            segment_file.read_leaves(self._folder, sealed.name),
            file.leaves(),
            [f"record {sealed.first + number}" for number in range(len(file.lines))],
        )

    def _compare(self, sealed: Segment, known: list[bytes] | None, actual: list[bytes], labels: Sequence[str]) -> None:
        """Find what differs between the leaves at sealing and those of now, if the root does."""
        if merkle.root(actual) == sealed.root:
            return
        if known is None or merkle.root(known) != sealed.root:
            self._found(Fault.SEGMENT_CHANGED, sealed.name, "neither it nor its leaf hashes are as they were sealed")
            return
        at = next(i for i, (then, now) in enumerate(zip_longest(known, actual)) if then != now)
        label = labels[at] if at < len(labels) else "the last record"
        if known[at + 1 :][:1] == actual[at:][:1] and len(actual) < len(known):
            self._found(Fault.RECORD_MISSING, sealed.name, f"what stood before {label}, at place {at + 1}, is gone")
        elif len(actual) > len(known):
            self._found(Fault.RECORD_ADDED, sealed.name, f"{label}, at place {at + 1}, was not there")
        else:
            self._found(Fault.RECORD_CHANGED, sealed.name, f"{label}, at place {at + 1}, was changed")

    def _check_series(self) -> int:
        """Each writer's segments are numbered without a gap; those still to be sealed count as there."""
        closed = {path.stem for path in self._folder.glob(f"*{segments.SEALED}")}
        there = closed | {path.stem for path in self._folder.glob(f"*{segments.OPEN}")}
        series: dict[str, list[Segment]] = {}
        for name, sealed in self._files.items():
            series.setdefault(name.rpartition("-")[0], []).append(sealed)
        for writer, parts in series.items():
            expected = 1
            after = 0
            for part in sorted(parts, key=_number):
                for number in range(expected, _number(part)):
                    if f"{writer}-{number}" not in there:
                        self._found(Fault.SEGMENT_MISSING, f"{writer}-{number}", "it was never sealed and is gone")
                if part.records and _number(part) == expected and part.first != after + 1:
                    self._found(Fault.RECORD_MISSING, part.name, f"records {after + 1} to {part.first - 1} are gone")
                expected, after = _number(part) + 1, part.last or after
        return len(closed - self._files.keys())


def _number(segment: Segment) -> int:
    return int(segment.name.rpartition("-")[2])
