"""Records in blocks: some thousand lines of one segment, compressed, and what says which decisions are among them.

A gateway's ids are the random beginning of its process and a count (`gateway.proxy.door`), so a block needs no list of
ids: their beginning and the span of their counts find it. Counts of one process overlap between blocks by the requests
that took longer than others.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from audit.segment_file import sequence_of

LARGEST = 1000
"""Records of one block: some 700 kB to unpack for a look-up."""
_COUNTED = re.compile(r"(?P<beginning>.+)-(?P<count>[0-9a-f]{1,15})", re.DOTALL)


class Key(msgspec.Struct, frozen=True):
    """A correlation id as blocks are found by it."""

    beginning: str
    count: int = 0


def key_of(correlation_id: str) -> Key:
    """The beginning and the count; an id of another make is all beginning."""
    found = _COUNTED.fullmatch(correlation_id)
    if found is None:
        return Key(correlation_id)
    return Key(found["beginning"], int(found["count"], 16))


class Block(msgspec.Struct, frozen=True):
    """Consecutive records of one segment."""

    segment: str
    first: int
    """Sequence number of the first record; `last` of the last."""
    last: int
    records: int
    beginning: str
    from_count: int
    to_count: int
    from_at: datetime
    to_at: datetime
    effects: tuple[str, ...]
    zones: tuple[str, ...]
    content: bytes
    """Their lines, as they stand in the segment, compressed (zlib)."""

    def lines(self) -> list[bytes]:
        """The lines, without their ends."""
        return zlib.decompress(self.content).split(b"\n")


class _Told(msgspec.Struct):
    """What of a record says where it is found."""

    at: float
    correlation_id: str
    effect: str = ""
    zone: str = ""


_told = msgspec.json.Decoder(_Told)


def body_of(line: bytes) -> bytes:
    """The JSON of a line."""
    return line.split(b" ", 2)[2]


def pack(segment: str, lines: Iterable[bytes]) -> list[Block]:
    """Blocks of whole lines, in order. What is no record of a decision is left out: it cannot be asked for."""
    blocks: list[Block] = []
    for many in _alike(lines):
        blocks += _cut(segment, many)
    return blocks


def _cut(segment: str, many: Sequence[tuple[bytes, _Told, Key]]) -> Iterator[Block]:
    for start in range(0, len(many), LARGEST):
        yield _block(segment, many[start : start + LARGEST])


def _alike(lines: Iterable[bytes]) -> Iterator[list[tuple[bytes, _Told, Key]]]:
    """Runs of lines whose ids begin alike: a segment is one process's, so there is one, as a rule."""
    run: list[tuple[bytes, _Told, Key]] = []
    for line in lines:
        if sequence_of(line) < 0:
            continue
        try:
            told = _told.decode(body_of(line))
        except msgspec.DecodeError:
            continue
        key = key_of(told.correlation_id)
        if run and run[0][2].beginning != key.beginning:
            yield run
            run = []
        run.append((line, told, key))
    if run:
        yield run


def _block(segment: str, many: Sequence[tuple[bytes, _Told, Key]]) -> Block:
    counts = [key.count for _, _, key in many]
    moments = [told.at for _, told, _ in many]
    return Block(
        segment=segment,
        first=sequence_of(many[0][0]),
        last=sequence_of(many[-1][0]),
        records=len(many),
        beginning=many[0][2].beginning,
        from_count=min(counts),
        to_count=max(counts),
        from_at=datetime.fromtimestamp(min(moments), UTC),
        to_at=datetime.fromtimestamp(max(moments), UTC),
        effects=tuple(sorted({told.effect for _, told, _ in many})),
        zones=tuple(sorted({told.zone for _, told, _ in many})),
        content=zlib.compress(b"\n".join(line for line, _, _ in many), 6),
    )
