"""Passwords that became known in a leak: looked up in a copy of Pwned Passwords that lies on this machine.

Nobody is asked over the network. The copy is as the service's own downloader writes it: a folder with a file for each
of the 1,048,576 first five hex digits of SHA-1 (`00000.txt`, lines `SUFFIX:COUNT`), or one file of all (lines
`HASH:COUNT`); in either, lines are in the order of their hashes. A line is found by seeking, so that the whole of it,
some 40 GB, is never read. Whoever keeps a list of their own writes it in the same form.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import structlog
from prometheus_client import Counter

from config.problem import Problem, ProblemType
from config.settings import WrongSettings
from idp.credentials.password import prepared

PREFIX = 5
"""Hex digits by which a range is named."""
RANGES = 16**PREFIX
HASH = 40
"""Hex digits of SHA-1."""
_LONGEST_LINE = 64
"""Bytes: 40 digits, a colon, ten digits of a count, the end of a line, and room."""
_LINE = re.compile(rb"([0-9A-F]+):([0-9]{1,12})")
_SAMPLE = 64
"""Places that are looked at to tell whether a copy is one."""

UNREADABLE = ProblemType(
    "MJ-IDP-108",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "New passwords cannot be checked right now",
    "Try again later; whoever runs this service is told.",
)

_LOOKED_UP = Counter(
    "munjigi_breached_passwords_total", "Passwords that were looked up among leaked ones, by outcome", ("outcome",)
)
_log = structlog.get_logger(__name__)


class Unusable(Exception):
    """The copy is missing, cut off, or not what it should be; the message says where."""


class RangeFolder:
    """A file for each first five digits."""

    def __init__(self, folder: Path) -> None:
        self.path = folder

    def count(self, digest: str) -> int:
        """How often the password of this SHA-1 (hex, upper case) was seen in leaks; 0: never. Raises `Unusable`."""
        with _opened(self.file_of(digest[:PREFIX])) as (descriptor, size, name):
            return _find(descriptor, size, digest[PREFIX:].encode(), name)

    def check(self) -> None:
        """Look at some files, from the first to the last. Raises `Unusable`."""
        for number in range(_SAMPLE + 1):
            prefix = f"{min(number * (RANGES // _SAMPLE), RANGES - 1):05X}"
            with _opened(self.file_of(prefix)) as (descriptor, size, name):
                _line_from(descriptor, size, 0, HASH - PREFIX, name)

    def file_of(self, prefix: str) -> Path:
        """The file of a range: `21BD1.txt`, or without the ending."""
        with_ending = self.path / f"{prefix}.txt"
        return with_ending if with_ending.exists() else self.path / prefix


class OrderedFile:
    """One file of all hashes, in their order."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def count(self, digest: str) -> int:
        """How often the password of this SHA-1 (hex, upper case) was seen in leaks; 0: never. Raises `Unusable`."""
        with _opened(self.path) as (descriptor, size, name):
            return _find(descriptor, size, digest.encode(), name)

    def check(self) -> None:
        """Look at some lines, which must follow each other. Raises `Unusable`."""
        before = b""
        with _opened(self.path) as (descriptor, size, name):
            for number in range(_SAMPLE + 1):
                begin = _begin_of_line(descriptor, size, size * number // (_SAMPLE + 1))
                if begin >= size:
                    continue
                found, _, _ = _line_from(descriptor, size, begin, HASH, name)
                if found < before:
                    raise Unusable(f"{name}: {found.decode()} stands after {before.decode()}")
                before = found


def copy_at(path: Path) -> RangeFolder | OrderedFile:
    """The copy that lies there; nothing is looked at yet."""
    return RangeFolder(path) if path.is_dir() else OrderedFile(path)


class BreachedPasswords:
    """What a new password, and one that signs somebody in, is looked up in."""

    def __init__(self, copy: RangeFolder | OrderedFile | None) -> None:
        """`None`: nothing is looked up."""
        self._copy = copy

    @classmethod
    def open(cls, path: Path | None) -> BreachedPasswords:
        """The copy of the settings. Raises `WrongSettings` where it is not there, or none."""
        if path is None:
            return cls(None)
        copy = copy_at(path)
        try:
            copy.check()
        except Unusable as error:
            raise WrongSettings(
                f"MUNJIGI_IDP__BREACHED_PASSWORDS: {error}. Download it again, or name another file or folder; "
                f"`munjigi passwords breached {path}` says all that is wrong with it."
            ) from error
        return cls(copy)

    @property
    def looks(self) -> bool:
        """Whether there is a copy to look into."""
        return self._copy is not None

    async def is_known(self, password: str) -> bool:
        """Whether a password that somebody chooses was leaked. Raises `UNREADABLE` where that cannot be told."""
        try:
            return await self._look(password)
        except Unusable as error:
            raise Problem(UNREADABLE, private=str(error)) from None

    async def is_known_of(self, password: str) -> bool:
        """The same of one that just was right: a copy that is away keeps nobody out who has a password already."""
        try:
            return await self._look(password)
        except Unusable:
            return False

    async def check(self) -> None:
        """Raises `Unusable` where the copy is none any more."""
        if self._copy is not None:
            await asyncio.to_thread(self._copy.check)

    async def _look(self, password: str) -> bool:
        if self._copy is None:
            return False
        try:
            known = await asyncio.to_thread(_count, self._copy, password) > 0
        except Unusable as error:
            _LOOKED_UP.labels("unreadable").inc()
            _log.error("breached_passwords_unreadable", why=str(error))
            raise
        _LOOKED_UP.labels("known" if known else "unknown").inc()
        return known


def digest_of(password: bytes) -> str:
    """By what a password is named in the copy."""
    return hashlib.sha1(password, usedforsecurity=False).hexdigest().upper()


def _count(copy: RangeFolder | OrderedFile, password: str) -> int:
    """Of the password as it is hashed, and as it was typed: leaks have both."""
    spelt = {prepared(password), password.encode("utf-8", "surrogatepass")}
    return max(copy.count(digest_of(one)) for one in spelt)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[int, int, str]]:
    """Descriptor, size and name of a file. It is opened anew each time, so that a newer one may take its place."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from None
    try:
        size = os.fstat(descriptor).st_size
        if size == 0:
            raise Unusable(f"{path}: it is empty")
        yield descriptor, size, str(path)
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from None
    finally:
        os.close(descriptor)


def _find(descriptor: int, size: int, key: bytes, name: str) -> int:
    """The count beside a key in lines that are in the order of their keys; 0 where it is not there."""
    low, high = 0, size  # a line of this key begins from `low` on, and before `high`
    while low < high:
        middle = (low + high) // 2
        begin = _begin_of_line(descriptor, size, middle)
        if begin >= high:
            high = middle
            continue
        found, count, end = _line_from(descriptor, size, begin, len(key), name)
        if found == key:
            return count
        if found < key:
            low = end
        else:
            high = middle
    return 0


def _begin_of_line(descriptor: int, size: int, offset: int) -> int:
    """Where the first line begins that begins at this offset or after it; the size where none does."""
    if offset == 0:
        return 0
    read = os.pread(descriptor, _LONGEST_LINE, offset - 1)
    end = read.find(b"\n")
    return offset + end if end >= 0 else size


def _line_from(descriptor: int, size: int, begin: int, digits: int, name: str) -> tuple[bytes, int, int]:
    """Key, count, and where the next line begins. Raises `Unusable` for what is no line."""
    line, ended, _ = os.pread(descriptor, _LONGEST_LINE, begin).partition(b"\n")
    match = _LINE.fullmatch(line.rstrip(b"\r").upper())
    if match is None or len(match[1]) != digits or not (ended or begin + len(line) == size):
        raise Unusable(f"{name}: no hash and count at byte {begin}")
    return match[1], int(match[2]), begin + len(line) + 1
