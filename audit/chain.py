"""The chain: each sealed segment's root, bound to all that was sealed before it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

import msgspec

from audit.merkle import HASH_SIZE

GENESIS = bytes(HASH_SIZE)
"""What the first entry has for a previous hash."""

SegmentKind = Literal["file", "records"]


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed, and what the chain vouches for."""

    kind: SegmentKind
    name: str
    """A file's name without its ending; `records-<first>-<last>` for a range of `audit.record`."""
    first: int
    last: int
    """Of a file: its first and last sequence number. Of records: transactions, `first` <= transaction < `last`."""
    records: int
    torn: int = 0
    """Bytes of an unfinished line that a dead writer left at the end of its file; it is a leaf, not a record."""
    root: bytes
    sealed_at: datetime


def entry_hash(position: int, previous: bytes, segment: Segment) -> bytes:
    """H(0x02 || previous || root || metadata): 0x02 keeps an entry apart from the leaves and nodes of RFC 9162."""
    metadata = msgspec.json.encode(
        [
            position,
            segment.kind,
            segment.name,
            segment.first,
            segment.last,
            segment.records,
            segment.torn,
            round(segment.sealed_at.timestamp() * 1000),
        ]
    )
    return hashlib.sha256(b"\x02" + previous + segment.root + metadata).digest()
