"""A closed segment file as sealer and verifier read it: its lines are the leaves of a Merkle tree."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audit import merkle
from audit.segments import LEAVES, SEALED, sync_folder


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """What stands in a file."""

    lines: Sequence[bytes]
    """Whole lines, without their ends; where a writer died within one, that piece is the last."""
    torn: int
    """Bytes of such a piece; 0: there is none."""

    @property
    def records(self) -> int:
        return len(self.lines) - (1 if self.torn else 0)

    @property
    def first(self) -> int:
        """The sequence number of the first record; 0 where there is none."""
        return sequence_of(self.lines[0]) if self.records else 0

    @property
    def last(self) -> int:
        return sequence_of(self.lines[self.records - 1]) if self.records else 0

    def leaves(self) -> list[bytes]:
        return merkle.leaf_hashes(self.lines)


def read(folder: Path, name: str) -> SegmentFile:
    """Read a closed segment. Raises `FileNotFoundError`."""
    lines = folder.joinpath(name + SEALED).read_bytes().split(b"\n")
    torn = len(lines[-1])
    return SegmentFile(lines if torn else lines[:-1], torn)


def sequence_of(line: bytes) -> int:
    """The sequence number that a line claims; -1 where it is not a line of a segment."""
    number, _, rest = line.partition(b" ")
    length, _, body = rest.partition(b" ")
    if not (number.isdigit() and length.isdigit() and int(length) == len(body)):
        return -1
    return int(number)


def write_leaves(folder: Path, name: str, leaves: Sequence[bytes]) -> None:
    """Put the leaf hashes beside the segment: the chain vouches for them by their root, they name what was changed."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{name}", dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"".join(leaves))
        file.flush()
        os.fsync(file.fileno())
    Path(draft).rename(folder / (name + LEAVES))
    sync_folder(folder)


def read_leaves(folder: Path, name: str) -> list[bytes] | None:
    """The leaf hashes that were written at sealing; None where they are missing or cut."""
    try:
        content = folder.joinpath(name + LEAVES).read_bytes()
    except FileNotFoundError:
        return None
    return split_leaves(content)


def split_leaves(content: bytes) -> list[bytes] | None:
    """Leaf hashes out of one run of bytes."""
    if len(content) % merkle.HASH_SIZE:
        return None
    return [content[i : i + merkle.HASH_SIZE] for i in range(0, len(content), merkle.HASH_SIZE)]
