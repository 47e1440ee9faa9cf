"""Who is assigned what: subjects as hashes in a sorted table, so that a million of them are no objects."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter

import msgspec

from policy.artefact import Assignment
from policy.snapshot.layout import Records, Sections, Span, joined

_HASH = 16
"""Bytes; that two subjects fall together is as likely as to guess a key."""
_HALF = 64
_who = attrgetter("organisation", "subject")


class AssignedTable:
    """The table as it is compiled."""

    def __init__(self, assignments: Iterable[Assignment]) -> None:
        self.sets: dict[tuple[str, ...], int] = {}
        """Each set of roles that somebody is assigned, with its number: there are far fewer than subjects."""
        rows = []
        for (organisation, subject), given in groupby(sorted(assignments, key=_who), key=_who):
            roles = tuple(sorted({assignment.role for assignment in given}))
            rows.append((_hash(organisation, subject), self.sets.setdefault(roles, len(self.sets))))
        rows.sort()
        self._rows = rows

    def sections(self) -> tuple[bytes, ...]:
        """In the order of `policy.snapshot.layout.Sections`."""
        high = array("Q", (number >> _HALF for number, _ in self._rows))
        low = array("Q", (number & ((1 << _HALF) - 1) for number, _ in self._rows))
        return high.tobytes(), low.tobytes(), array("I", (number for _, number in self._rows)).tobytes()


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
        wanted = _hash(organisation, subject)
        high, low = wanted >> _HALF, wanted & ((1 << _HALF) - 1)
        first = bisect_left(self._high, high)
        last = bisect_right(self._high, high, first)
        found = bisect_left(self._low, low, first, last)
        if found == last or self._low[found] != low:
            return ()
        place = self._span[0] + self._sets[found]
        if place >= self._span[1]:
            raise IndexError(place)
        return msgspec.msgpack.decode(self._records[place], type=tuple[str, ...])


def _hash(organisation: str, subject: str) -> int:
    text = joined(organisation, subject).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=_HASH).digest(), "big")
