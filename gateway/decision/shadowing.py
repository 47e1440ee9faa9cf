"""Live requests decided a second time, by a version that is not published, to see what it would change (P5).

Beside the way: what was answered is only remembered here, and looked at when the event loop has its next turn, in small
slices. No more waits than a bound, no more kinds of difference are counted apart than a bound, and while nothing is
shadowed nothing is done at all.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from config.clock import Clock
from gateway.callers.caller import Decided
from policy.decide import decide
from policy.decision import Decision
from policy.request import AccessRequest
from policy.shadow import Count, Shadow
from policy.snapshot import Snapshot

MOST_WAITING = 4096
"""Decisions that wait to be made a second time; while so many do, no more are taken."""
MOST_KINDS = 4096
"""Differences that are counted apart between two writes; further ones are counted without their rule."""
SLICE = 0.001
"""Seconds for which decisions are made a second time before everything else gets its turn."""
AT_A_TIME = 16
"""Decisions between two looks at the time."""
PAUSE = 0.005
"""Seconds between an answer and the look at it, and between two slices."""
_GOLDEN = 0.6180339887498949
"""The fraction of the golden ratio: its multiples fall evenly, and in step with no pattern of the traffic."""

_Kind = tuple[int, str, str, str, str, bool]
"""The shadow's id, then as in `Count`."""


class _Waiting(msgspec.Struct, frozen=True, gc=False):
    decided: Decided
    zone: str
    method: str
    path: str
    correlation_id: str


class Shadowing:
    """What is shadowed, what waits to be looked at, and what was seen since it was last written."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shadow: Shadow | None = None
        self._snapshot: Snapshot | None = None
        self._until = 0.0
        self._share = 0.0
        self._turn = 0.0
        self._waiting: deque[_Waiting] = deque()
        self._due = False
        self._counts: dict[_Kind, tuple[int, str]] = {}
        self.made = 0
        """Decisions that were made a second time."""
        self.dropped = 0
        """Decisions that were not made a second time since too many waited."""

    @property
    def shadowed(self) -> int:
        """The id of the shadow that is cast; 0: none is."""
        return 0 if self._shadow is None else self._shadow.id

    @property
    def waiting(self) -> int:
        """How many decisions wait to be made a second time."""
        return len(self._waiting)

    def begin(self, shadow: Shadow, snapshot: Snapshot) -> None:
        """From now on a share of the decisions is made again by this snapshot, until the shadow's time is over."""
        self._waiting.clear()
        self._shadow, self._snapshot = shadow, snapshot
        self._share, self._until = shadow.share, shadow.until.timestamp()

    def end(self) -> None:
        """Nothing is shadowed any more."""
        self._waiting.clear()
        self._shadow = self._snapshot = None
        self._share = 0.0

    def saw(self, decided: Decided, zone: str, method: str, path: str, correlation_id: str) -> None:
        """Something was answered. Called on the way: it looks at nothing."""
        if not self._share:
            return
        self._turn = (self._turn + _GOLDEN) % 1.0
        if self._turn >= self._share:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(_Waiting(decided, zone, method, path, correlation_id))
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_later(PAUSE, self._look)

    def _look(self) -> None:
        """One slice of what waits."""
        self._due = False
        over = time.monotonic() + SLICE
        while self._waiting:
            self.look(AT_A_TIME)
            if time.monotonic() >= over:
                break
        if self._waiting:
            self._due = True
            asyncio.get_running_loop().call_later(PAUSE, self._look)

    def look(self, most: int) -> None:
        """Make so many of the decisions that wait a second time."""
        shadow, snapshot = self._shadow, self._snapshot
        if shadow is None or snapshot is None or self._clock.timestamp() >= self._until:
            self.end()
            return
        for _ in range(min(most, len(self._waiting))):
            self._count(shadow.id, snapshot, self._waiting.popleft())

    def _count(self, shadow: int, snapshot: Snapshot, waiting: _Waiting) -> None:
        was = waiting.decided.decision
        asked = AccessRequest(
            waiting.decided.subject,
            waiting.decided.facts,
            waiting.zone,
            waiting.method,
            waiting.path,
            waiting.decided.since,  # by the clock of the decision, so that what differs differs by the policy
            was.elevations,
            was.measures,
        )
        would_be = decide(asked, snapshot)
        self.made += 1
        same = _alike(was, would_be)
        rule = "" if same else would_be.winner or was.winner
        kind = (shadow, was.effect.value, would_be.effect.value, waiting.zone, rule, same)
        self._add(kind, 1, waiting.correlation_id)

    def _add(self, kind: _Kind, more: int, example: str) -> None:
        if kind not in self._counts and len(self._counts) >= MOST_KINDS:
            kind = (*kind[:4], "", kind[5])
        count, kept = self._counts.get(kind, (0, example))
        self._counts[kind] = (count + more, kept)

    def take(self) -> Mapping[int, Sequence[Count]]:
        """What was seen since the last time, by the id of the shadow."""
        counts, self._counts = self._counts, {}
        taken: dict[int, list[Count]] = {}
        for (shadow, *kind, same), (count, example) in counts.items():
            was, would_be, zone, rule = kind
            taken.setdefault(shadow, []).append(Count(was, would_be, zone, rule, same, count, example))
        return taken

    def put_back(self, shadow: int, counts: Sequence[Count]) -> None:
        """What was taken could not be written."""
        for each in counts:
            self._add((shadow, each.was, each.would_be, each.zone, each.rule, each.same), each.count, each.example)


def _alike(was: Decision, would_be: Decision) -> bool:
    """Whether nobody would notice: why it is decided, and by which rule, may differ."""
    return (
        was.effect is would_be.effect
        and set(was.obligations) == set(would_be.obligations)
        and was.step_up == would_be.step_up
    )
