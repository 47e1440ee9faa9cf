"""How a compiled policy lies in bytes: sections of numbers, texts and records, found by their place, read on demand.

Nothing here makes an object for each rule, path or person: a policy of any size is taken up in the time that it takes
to check its hash. Numbers are this machine's own (a machine of the other byte order meets a format that it does not
know). Whatever lies outside of its section raises `IndexError` or cannot be decoded; nothing is read beyond it.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from mmap import mmap
from typing import Literal, NamedTuple
from zlib import crc32

import msgspec

FORMAT = 2
"""What this code reads and writes. Whoever changes what the bytes mean counts it up; a gateway takes up no other."""
_MAGIC = b"MUNJIGIP"
_HEAD = struct.Struct("=8sII")
_LENGTH = struct.Struct("=Q")
_ALIGNED = 8

Span = tuple[int, int]
"""From the first until before the second."""


class UnreadableSnapshot(ValueError):
    """Bytes that are no compiled policy of this format; the message says why."""


class Outline(msgspec.Struct, frozen=True):
    """Where what lies; the only part that is decoded when a policy is taken up."""

    rules: int
    """The first so many records are the rules, in their total order."""
    depth: int
    """Segments of the deepest pattern."""
    zones: Span
    organisations: Span
    roots: Span
    methods: Span
    roles: Span
    inheriting: Span
    rest: int
    """The record of what is not looked up by rule, zone, role, organisation or subject."""
    time_zones: tuple[str, ...]
    assigns: bool
    """Whether anybody is assigned anything."""
    role_sets: Span
    """Records: what somebody is assigned."""
    crossings: int
    """The record of which services may cross into which zone; -1: the policy speaks of none."""
    remembers: int
    """The lowest risk that may still matter once it is over; nobody need remember a lower one."""


NODE = 6
"""Numbers of one node: the node of any segment (0: none), where its children begin and end among the words, where the
groups begin that speak of its own path, where those that speak of all below it, and where these end."""


class Sections(NamedTuple):
    """A compiled policy in its parts, which are views of the same bytes."""

    outline: memoryview
    word_checks: memoryview
    """CRC-32 of each word."""
    word_starts: memoryview
    word_texts: memoryview
    word_values: memoryview
    record_starts: memoryview
    record_bytes: memoryview
    """MessagePack."""
    nodes: memoryview
    group_methods: memoryview
    """A group is what one node says of one method; this is the word of the method."""
    group_pairs: memoryview
    group_open: memoryview
    """1: a rule of the group allows something to a role that one has only by signing in."""
    pair_roles: memoryview
    """A pair is a role within a group; this is the word of the role."""
    pair_places: memoryview
    places: memoryview
    """Places of rules in the total order."""
    zone_marks: memoryview
    """Of each zone a hash of all that its decisions follow."""
    subject_high: memoryview
    """Half of the hash of organisation and subject, by which the subjects are sorted; the other half is beside it."""
    subject_low: memoryview
    subject_sets: memoryview


_Kind = Literal["B", "I", "Q"]
_KINDS: tuple[_Kind, ...] = (
    "B", "I", "I", "B", "I", "Q", "B", "I", "I", "I", "B", "I", "I", "I", "Q", "Q", "Q", "I",
)  # fmt: skip
"""What each of the sections is a view of."""


def write(sections: Iterable[bytes]) -> bytes:
    """The whole, of its sections in the order of `Sections`."""
    parts = list(sections)
    head = [_HEAD.pack(_MAGIC, FORMAT, len(parts)), *(_LENGTH.pack(len(part)) for part in parts)]
    padded = (part + bytes(-len(part) % _ALIGNED) for part in parts)
    return b"".join([*head, *padded])


def read(compiled: bytes | bytearray | mmap) -> Sections:
    """The sections of a whole. Raises `UnreadableSnapshot` unless they fill it exactly."""
    view = memoryview(compiled).toreadonly()
    if len(view) < _HEAD.size:
        raise UnreadableSnapshot("it is too short")
    magic, written_as, count = _HEAD.unpack_from(view)
    if magic != _MAGIC:
        raise UnreadableSnapshot("it is no compiled policy")
    if written_as != FORMAT:
        raise UnreadableSnapshot(f"its format is {written_as}, this code reads {FORMAT}")
    at = _HEAD.size + count * _LENGTH.size
    if count != len(_KINDS) or at > len(view):
        raise UnreadableSnapshot(f"it has {count} sections, not {len(_KINDS)}")
    sections = []
    for number, kind in enumerate(_KINDS):
        (length,) = _LENGTH.unpack_from(view, _HEAD.size + number * _LENGTH.size)
        if length > len(view) - at or length % struct.calcsize(kind):
            raise UnreadableSnapshot(f"its section {Sections._fields[number]} has a wrong length")
        sections.append(view[at : at + length].cast(kind))
        at += length + -length % _ALIGNED
    if at != len(view):
        raise UnreadableSnapshot("it does not end where its sections do")
    return Sections(*sections)


class Words:
    """Texts with a number each, in spans; within a span they are sorted by (CRC-32, text), so that one is found among
    any number of them by a few comparisons of numbers. Who chooses texts of one CRC-32 makes that a few more."""

    __slots__ = ("_checks", "_starts", "_texts", "_values")

    def __init__(self, sections: Sections) -> None:
        self._checks: Sequence[int] = sections.word_checks
        self._starts = sections.word_starts
        self._texts = sections.word_texts
        self._values = sections.word_values

    def find(self, word: str, span: Span) -> int:
        """Where a word stands within a span; -1: nowhere."""
        text = word.encode("utf-8", "surrogatepass")
        check = crc32(text)
        first = bisect_left(self._checks, check, *span)
        if first == span[1] or self._checks[first] != check:
            return -1
        if self[first] == text:
            return first
        last = bisect_right(self._checks, check, first, span[1])
        found = bisect_left(self, text, first, last)
        return found if found < last and self[found] == text else -1

    def value(self, place: int) -> int:
        """The number that belongs to a word."""
        number: int = self._values[place]
        return number

    def text(self, place: int) -> str:
        """A word."""
        return self[place].decode("utf-8", "surrogatepass")

    def __getitem__(self, place: int) -> bytes:
        return self._texts[self._starts[place] : self._starts[place + 1]].tobytes()

    def __len__(self) -> int:
        return len(self._checks)


class Records:
    """Things in MessagePack, decoded one by one when they are asked for."""

    __slots__ = ("_bytes", "_starts")

    def __init__(self, sections: Sections) -> None:
        self._starts = sections.record_starts
        self._bytes = sections.record_bytes

    def __getitem__(self, place: int) -> memoryview:
        return self._bytes[self._starts[place] : self._starts[place + 1]]


def joined(*names: str) -> str:
    """Several names as one word; no name holds the joint."""
    return "\0".join(names)
