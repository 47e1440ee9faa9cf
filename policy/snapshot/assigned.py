"""Who is assigned what: subjects as hashes in a sorted table, so that a million of them are no objects."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import compress, islice
from operator import eq

import msgspec

from policy.artefact import Assignment
from policy.snapshot.layout import Records, Sections, Span, joined

_HALF = 8
"""Bytes of half a hash; that two subjects fall together is as likely as to guess a key."""
_ROW = 5
"""Numbers of 32 bits: the hash of a subject, and a role."""


class AssignedTable:
    """The table as it is compiled. There may be a million assignments, so what is done for each is little."""

    def __init__(self, assignments: Sequence[Assignment]) -> None:
        names = sorted({given.role for given in assignments})
        self.sets: dict[tuple[str, ...], int] = {(name,): number for number, name in enumerate(names)}
        """Sets of roles, with their numbers: of each single one, and of those that somebody is assigned together; there
        are far fewer than subjects."""
        numbers = {name: number.to_bytes(4, "big") for number, name in enumerate(names)}
        parts: list[list[bytes]] = [[] for _ in range(256)]  # which are sorted more quickly than the whole
        for given in assignments:
            row = _digest(given.organisation, given.subject) + numbers[given.role]
            parts[row[0]].append(row)
        rows = bytearray()
        for part in parts:
            part.sort()
            rows += b"".join(part)
            part.clear()
        words = array("I", bytes(rows))
        if sys.byteorder == "little":
            words.byteswap()
        columns = [words[number::_ROW] for number in range(_ROW)]
        self._high, self._low = _paired(columns[0], columns[1]), _paired(columns[2], columns[3])
        self._numbers = columns[4]
        self._merge(names)

    def _merge(self, names: Sequence[str]) -> None:
        """Leave one row of each subject, with the number of its set of roles."""
        high, low, numbers = self._high, self._low, self._numbers
        kept = bytearray(b"\1") * len(high)
        alike = [
            place
            for place, same in enumerate(map(eq, high, islice(high, 1, None)), start=1)
            if same and low[place] == low[place - 1]
        ]
        done = 0
        while done < len(alike):
            first = last = alike[done] - 1
            while done < len(alike) and alike[done] == last + 1:
                done, last = done + 1, last + 1
                kept[last] = 0
            roles = dict.fromkeys(names[number] for number in numbers[first : last + 1])
            numbers[first] = self.sets.setdefault(tuple(roles), len(self.sets))
        if alike:
            self._high, self._low = array("Q", compress(high, kept)), array("Q", compress(low, kept))
            self._numbers = array("I", compress(numbers, kept))

    def sections(self) -> tuple[bytes, ...]:
        """In the order of `policy.snapshot.layout.Sections`."""
        return self._high.tobytes(), self._low.tobytes(), self._numbers.tobytes()


class Assigned:
    """The table as it is read."""

    __slots__ = ("_high", "_low", "_records", "_sets", "_span")

    def __init__(self, sections: Sections, records: Records, sets: Span) -> None:
        self._high: Sequence[int] = sections.subject_high
        self._low: Sequence[int] = sections.subject_low
        self._sets = sections.subject_sets
        self._records = records
        self._span = sets

    def find(self, organisation: str, subject: str) -> tuple[str, ...]:
        """The roles, and the groups, that a subject is assigned in one organisation by name."""
        wanted = _digest(organisation, subject)
        high, low = int.from_bytes(wanted[:_HALF], "big"), int.from_bytes(wanted[_HALF:], "big")
        first = bisect_left(self._high, high)
        last = bisect_right(self._high, high, first)
        found = bisect_left(self._low, low, first, last)
        if found == last or self._low[found] != low:
            return ()
        place = self._span[0] + self._sets[found]
        if place >= self._span[1]:
            raise IndexError(place)
        return msgspec.msgpack.decode(self._records[place], type=tuple[str, ...])


def _digest(organisation: str, subject: str) -> bytes:
    return blake2b(joined(organisation, subject).encode("utf-8", "surrogatepass"), digest_size=2 * _HALF).digest()


def _paired(high: array[int], low: array[int]) -> array[int]:
    """Numbers of 64 bits, of their halves."""
    halves = array("I", bytes(2 * high.itemsize * len(high)))
    first = 0 if sys.byteorder == "big" else 1
    halves[first::2], halves[1 - first :: 2] = high, low
    return array("Q", halves.tobytes())
