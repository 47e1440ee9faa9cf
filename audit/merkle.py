"""Merkle tree hashes, as RFC 9162 section 2.1.1 defines them: leaves and nodes can never be taken for each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

HASH_SIZE = 32


def leaf_hash(record: bytes) -> bytes:
    """HASH(0x00 || record)."""
    return hashlib.sha256(b"\x00" + record).digest()


def leaf_hashes(records: Iterable[bytes]) -> list[bytes]:
    """The leaf hash of each record, in order."""
    return [leaf_hash(record) for record in records]


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree hash over leaf hashes; of none, HASH() of the empty string.

    Pairing from below with a left-over node moved up makes the very tree that the RFC splits from above at the largest
    power of two.
    """
    if not leaves:
        return hashlib.sha256().digest()
    level = list(leaves)
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]
