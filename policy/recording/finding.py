"""Looking recorded decisions up: one by its id, or many of a time, the newest first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from audit import merkle
from audit.segment_file import sequence_of
from config.connections import Transaction
from policy import recorded
from policy.decision import Effect
from policy.recorded import Recorded
from policy.recording.blocks import Block, Key, body_of, key_of

MOST_BLOCKS = 200
"""Blocks that one page of a list looks into: it may be short, or empty, and yet not the last."""


_LAST_ID = "~"
"""Behind every id."""


class Seal(StrEnum):
    """How a found record stands to the audit's chain."""

    INTACT = "intact"
    """All of its segment is what was sealed."""
    WAITING = "waiting"
    """Its segment is not sealed yet; half a minute at most, as a rule."""
    DIFFERS = "differs"
    """The copy is not what was sealed: ask `munjigi audit verify`, and believe the segment."""
    UNTOLD = "untold"
    """It is sealed with an unfinished line of a writer that died, or is forgotten in part, and cannot be compared."""


class Found(msgspec.Struct, frozen=True):
    """A record, and where the evidence stands."""

    recorded: Recorded
    segment: str
    sequence: int
    seal: Seal


class Sealed(msgspec.Struct, frozen=True):
    """What the audit's chain says of a segment."""

    root: bytes
    records: int
    torn: int


class Wanted(msgspec.Struct, frozen=True):
    """Which decisions a list is of."""

    since: datetime
    until: datetime
    sub: str = ""
    zone: str = ""
    effect: Effect | None = None
    after: tuple[float, str] | None = None
    """Moment and id of the last one that was told; older ones follow."""

    def holds(self, one: Recorded) -> bool:
        """Whether a record is one of them."""
        return (
            self.since.timestamp() <= one.at < self.until.timestamp()
            and (not self.sub or one.sub == self.sub)
            and (not self.zone or one.zone == self.zone)
            and (self.effect is None or one.effect is self.effect)
            and (self.after is None or (one.at, one.correlation_id) < self.after)
        )


class Decisions(Protocol):
    """Where the copies are; `policy.storage.decisions` is it."""

    async def holding(self, tx: Transaction, key: Key) -> Sequence[Block]:
        """The blocks whose span of counts has this one."""

    async def of_segment(self, tx: Transaction, segment: str) -> Sequence[Block]:
        """All blocks of a segment, in order."""

    async def seal_of(self, tx: Transaction, segment: str) -> Sealed | None:
        """What the chain says of it; None: it is not sealed yet."""

    async def latest(self, tx: Transaction, wanted: Wanted, mark: tuple[datetime, str, int] | None) -> Block | None:
        """Of the blocks that may hold such decisions, by their last moment, segment and first number descending, the
        first one behind a mark."""


async def find(decisions: Decisions, tx: Transaction, correlation_id: str) -> Found | None:
    """The decision of this id; None: there is none, or it is forgotten, or was taken within the last second or two."""
    for block in await decisions.holding(tx, key_of(correlation_id)):
        line = await asyncio.to_thread(_line_of, block, correlation_id)
        if line is not None:
            seal = await _seal(decisions, tx, block.segment)
            return Found(recorded.read(body_of(line)), block.segment, sequence_of(line), seal)
    return None


async def _seal(decisions: Decisions, tx: Transaction, segment: str) -> Seal:
    sealed = await decisions.seal_of(tx, segment)
    if sealed is None:
        return Seal.WAITING
    if sealed.torn:
        return Seal.UNTOLD
    copied = await decisions.of_segment(tx, segment)
    if sum(block.records for block in copied) < sealed.records:
        return Seal.UNTOLD
    root = await asyncio.to_thread(_root, copied)
    return Seal.INTACT if root == sealed.root else Seal.DIFFERS


async def page(
    decisions: Decisions, tx: Transaction, wanted: Wanted, limit: int
) -> tuple[list[Recorded], tuple[float, str] | None]:
    """So many of them, the newest first, and after which one the next page follows; None: it was the last."""
    held: list[Recorded] = []
    newest = wanted.until.timestamp() if wanted.after is None else wanted.after[0]
    mark: tuple[datetime, str, int] | None = None
    looked = 0
    while True:
        block = await decisions.latest(tx, wanted, mark)
        edge = float("-inf") if block is None else block.to_at.timestamp()
        # what is newer than all that is left to look into is told in its order now
        ready = sorted((one for one in held if one.at > edge), key=_moment, reverse=True)
        if len(ready) > limit or (len(ready) == limit and block is not None):
            return ready[:limit], _moment(ready[limit - 1])
        if block is None:
            return ready, None
        if edge <= newest:
            looked += 1
        if looked > MOST_BLOCKS:
            return ready, _moment(ready[-1]) if ready else (edge, _LAST_ID)
        mark = (block.to_at, block.segment, block.first)
        held += await asyncio.to_thread(_those, block, wanted)


def _moment(one: Recorded) -> tuple[float, str]:
    return one.at, one.correlation_id


def _line_of(block: Block, correlation_id: str) -> bytes | None:
    part = b'"correlation_id":' + msgspec.json.encode(correlation_id)
    for line in block.lines():
        if part in line and (one := _read(line)) is not None and one.correlation_id == correlation_id:
            return line
    return None


def _those(block: Block, wanted: Wanted) -> list[Recorded]:
    found = (_read(line) for line in block.lines())
    return [one for one in found if one is not None and wanted.holds(one)]


def _read(line: bytes) -> Recorded | None:
    """A record; None: no version that is running here wrote it."""
    try:
        return recorded.read(body_of(line))
    except msgspec.DecodeError:
        return None


def _root(copied: Sequence[Block]) -> bytes:
    return merkle.root(merkle.leaf_hashes(line for block in copied for line in block.lines()))
