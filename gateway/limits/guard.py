"""The local guard of one rate: every subject's count in this process's memory, bounded whoever comes.

A subject that has worked off everything is as good as unknown, and is forgotten. Where there is no room all the same,
the one settled longest ago makes room, since what it took is known in Valkey and heard of again when it is back; while
Valkey is away nobody is forgotten, and whoever is new shares one count with all who are.
"""

from __future__ import annotations

from collections import OrderedDict

from gateway.limits.rate import Rate, wait_for

CAPACITY = 50_000
"""Subjects of one rate; about 15 MB."""
_SWEPT_AT_ONCE = 5_000
_LOOKED_AT_FOR_ROOM = 8
OVERFLOW = "\0overflow"
"""The subject that newcomers share while there is no room and nobody may be forgotten."""


class Count:
    """What one subject took of one rate."""

    __slots__ = ("pace", "since", "subject", "unsettled", "worked_off_at")

    def __init__(self, subject: str, pace: float) -> None:
        self.subject = subject
        self.pace = pace
        self.worked_off_at = 0.0
        self.unsettled = 0
        """Requests that no other node knows of."""
        self.since = 0.0
        """When the first of them came (monotonic seconds)."""


class Guard:
    """The counts of one rate. Moments are monotonic seconds."""

    __slots__ = ("_burst", "_counts", "_overflow", "_pace", "capacity", "dirty", "rate", "refused", "settles")

    def __init__(self, rate: Rate, capacity: int = CAPACITY) -> None:
        self.rate = rate
        self.capacity = capacity
        self.settles = True
        """Whether Valkey takes what is settled: only then may anybody be forgotten who still owes."""
        self.refused = 0
        self.dirty: list[Count] = []
        """Those that took something since the last settlement."""
        self._pace = rate.pace
        self._burst = rate.burst
        self._counts: OrderedDict[str, Count] = OrderedDict()
        """In the order of settlement: whoever took longest ago first."""
        self._overflow = Count(OVERFLOW, rate.pace)

    def __len__(self) -> int:
        return len(self._counts)

    def admit(self, subject: str, now: float) -> float:
        """Count one request if it is within the rate: 0. Otherwise seconds until one would be, and nothing is taken."""
        count = self._counts.get(subject) or self._of(subject, now)
        if wait := wait_for(count.worked_off_at, now, self._pace, self._burst):
            self.refused += 1
            return wait
        self._take(count, now)
        return 0.0

    def wait(self, subject: str, now: float) -> float:
        """Seconds until this subject may have one more; 0: now. Takes nothing."""
        count = self._counts.get(subject) or self._of(subject, now)
        return wait_for(count.worked_off_at, now, self._pace, self._burst)

    def take(self, subject: str, now: float) -> None:
        """Count one request that is let through, after `wait` said 0."""
        self._take(self._counts.get(subject) or self._of(subject, now), now)

    def _take(self, count: Count, now: float) -> None:
        known = count.worked_off_at
        count.worked_off_at = (known if known > now else now) + count.pace
        if not count.unsettled:
            count.since = now
            self.dirty.append(count)
        count.unsettled += 1

    def _of(self, subject: str, now: float) -> Count:
        counts = self._counts
        if len(counts) >= self.capacity and not self._make_room(now):
            return self._overflow
        count = counts[subject] = Count(subject, self._pace)
        return count

    def _make_room(self, now: float) -> bool:
        counts = self._counts
        for _ in range(_LOOKED_AT_FOR_ROOM):
            subject, oldest = next(iter(counts.items()))
            if not oldest.unsettled and (self.settles or oldest.worked_off_at <= now):
                del counts[subject]
                return True
            counts.move_to_end(subject)
        return False

    def settled(self, count: Count, worked_off_at: float) -> None:
        """What all nodes took together is worked off at that moment; what this one took meanwhile comes on top."""
        count.worked_off_at = max(count.worked_off_at, worked_off_at + count.unsettled * count.pace)
        if self._counts.get(count.subject) is count:
            self._counts.move_to_end(count.subject)

    def unsettled(self, count: Count, taken: int, since: float) -> None:
        """So much could not be settled; it is tried again."""
        if not count.unsettled:
            self.dirty.append(count)
            count.since = since
        count.since = min(count.since, since)
        count.unsettled += taken

    def sweep(self, now: float) -> None:
        """Forget who owes nothing any more, some at a time."""
        counts = self._counts
        for _ in range(min(_SWEPT_AT_ONCE, len(counts))):
            subject, oldest = next(iter(counts.items()))
            if oldest.unsettled or oldest.worked_off_at > now:
                return
            del counts[subject]
