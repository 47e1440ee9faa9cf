"""A whole copy of Pwned Passwords, read from end to end: is all of it there, in order, and which copy is it?

The checksum is of the lines as `HASH:COUNT`, upper case, each ended by a line feed, whichever form they lie in: a
folder and a file of the same download have the same one.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from idp.credentials.breached import HASH, PREFIX, RANGES, OrderedFile, RangeFolder, copy_at

CHUNK = 4 * 1024 * 1024
"""Bytes of one file that are looked at together."""
FAULTS_KEPT = 1000
_RANGE_FILE = re.compile(r"[0-9A-F]{5}(?:\.txt)?")
_LINES = {digits: re.compile(rb"(?:[0-9A-F]{%d}:[0-9]{1,12}\n)*" % digits) for digits in (HASH, HASH - PREFIX)}
_LINE = {digits: re.compile(rb"[0-9A-F]{%d}:[0-9]{1,12}" % digits) for digits in _LINES}

Told = Callable[[int, int], None]
"""Hears how much was read (bytes of a file, files of a folder) and how many hashes that were."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a copy is."""

    form: str
    """`folder` or `file`."""
    hashes: int
    ranges: int
    """Of the 1,048,576 there are, those that have a hash."""
    missing: tuple[str, ...]
    """The first of those that have none."""
    faults: tuple[str, ...]
    """The first of what is wrong, each with where it stands."""
    faulty: int
    checksum: str
    """SHA-256, hex."""

    @property
    def sound(self) -> bool:
        """Whether it is a whole copy in order."""
        return not self.faulty and self.ranges == RANGES


class _Reading:
    """What was read so far."""

    def __init__(self) -> None:
        self.hashes = 0
        self.prefixes: set[bytes] = set()
        self.faults: list[str] = []
        self.faulty = 0
        self._sum = hashlib.sha256()
        self._before = b""

    def lines(self, where: str, number: int, lines: list[bytes], digits: int, prefix: bytes = b"") -> None:
        """Take lines, the first of which has this number in its file."""
        numbers: Sequence[int] = range(number, number + len(lines))
        if not _LINES[digits].fullmatch(b"\n".join(lines) + b"\n"):
            good = [at for at, line in enumerate(lines) if _LINE[digits].fullmatch(line)]
            for at in sorted(set(range(len(lines))) - set(good)):
                self.fault(f"{where}, line {number + at}: no hash and count")
            numbers, lines = [number + at for at in good], [lines[at] for at in good]
        full = [prefix + line for line in lines] if prefix else lines
        self._in_order(where, numbers, full)
        self.prefixes.update({line[:PREFIX] for line in full})
        self.hashes += len(full)
        if full:
            self._before = full[-1][:HASH]
            self._sum.update(b"\n".join(full) + b"\n")

    def fault(self, what: str) -> None:
        self.faulty += 1
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(what)

    def survey(self, form: str) -> Survey:
        every = (f"{number:05X}" for number in range(RANGES)) if len(self.prefixes) < RANGES else ()
        missing = islice((prefix for prefix in every if prefix.encode() not in self.prefixes), FAULTS_KEPT)
        return Survey(
            form,
            self.hashes,
            len(self.prefixes),
            tuple(missing),
            tuple(self.faults),
            self.faulty,
            self._sum.hexdigest(),
        )

    def _in_order(self, where: str, numbers: Sequence[int], full: list[bytes]) -> None:
        hashes = [line[:HASH] for line in full]
        if sorted(hashes) == hashes and len(set(hashes)) == len(hashes) and (not hashes or hashes[0] > self._before):
            return
        before = self._before
        for number, one in zip(numbers, hashes, strict=True):
            if one <= before:
                self.fault(f"{where}, line {number}: {one.decode()} does not come after {before.decode()}")
            before = max(before, one)


def survey(path: Path, told: Told) -> Survey:
    """Read all of a copy. Raises `OSError` where nothing can be read."""
    copy = copy_at(path)
    return _of_folder(copy, told) if isinstance(copy, RangeFolder) else _of_file(copy, told)


def size_of(path: Path) -> int:
    """How much `told` will hear of at the end."""
    return sum(1 for _ in path.iterdir()) if path.is_dir() else path.stat().st_size


def _of_folder(copy: RangeFolder, told: Told) -> Survey:
    reading = _Reading()
    names = sorted(entry.name for entry in os.scandir(copy.path) if _RANGE_FILE.fullmatch(entry.name))
    for number, name in enumerate(names):
        content = (copy.path / name).read_bytes()
        if content.strip():
            reading.lines(name, 1, _split(content), HASH - PREFIX, name[:PREFIX].encode())
        if number % 64 == 0:
            told(number, reading.hashes)
    told(len(names), reading.hashes)
    return reading.survey("folder")


def _of_file(copy: OrderedFile, told: Told) -> Survey:
    reading, number, read = _Reading(), 1, 0
    for chunk in _chunks(copy.path):
        lines = _split(chunk)
        reading.lines(copy.path.name, number, lines, HASH)
        number += len(lines)
        read += len(chunk)
        told(read, reading.hashes)
    return reading.survey("file")


def _chunks(path: Path) -> Iterator[bytes]:
    """The file in pieces that end where lines do."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk + file.readline()


def _split(content: bytes) -> list[bytes]:
    """The lines of it, upper case, without their ends."""
    lines = content.upper().replace(b"\r\n", b"\n").split(b"\n")
    return lines[:-1] if lines[-1] == b"" else lines
