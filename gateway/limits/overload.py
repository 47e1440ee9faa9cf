"""When to shed, and whom: pure rules of how long work waits for this process. Moments are seconds of one clock.

*When*: the event loop is the queue. A process that keeps up finds it empty most of the time; where waiting stays long
for a whole interval, the queue stands, and will not go away by itself (controlled delay, RFC 8289, sections 3 and 4,
with its interval of 100 ms). There it is the shortest wait that counts; here, where waits are seen from a timer that
falls anywhere into a turn of the loop, it is the median. One long pause is no standing queue: it takes two intervals.
Nor is lateness one while the process does not run all the time: then it sleeps, or others have its core, and nothing is
won by doing less (`gateway.limits.busyness`). A process that is held to a part of a core by a quota never sheds.

*Whom*: those who find so many waiting that they would wait for longer than half of `patience`, and those who waited for
longer than that all the same, because the process was stopped (`gateway.proxy.turns`). How many can be begun is counted
and never guessed.

*Priorities*: what waits was not read, and nobody knows what it is. So as long as some wait too long, a growing share of
the lowest priority is turned away once it is read, then of the next, until the others fit (admission by levels: Zhou
et al., "Overload Control for Scaling WeChat Microservices", SoCC 2018, section 4). Of the highest that there is nobody
is.

*Hysteresis*: it ends after `CALM` intervals in which nobody was shed and no queue stood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum, StrEnum
from statistics import median_high


class Priority(StrEnum):
    """What a route is worth when not everything can be done."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class State(IntEnum):
    """What the process does."""

    CALM = 0
    WATCHING = 1
    """A queue stood for an interval."""
    SHEDDING = 2


BUSY = 0.9
"""The share of time in which the process runs, from which on a wait is a queue's."""
INTERVAL = 0.1
"""Seconds over which waits are looked at together (RFC 8289, section 4.3)."""
ENTER = 0.02
"""Seconds: two intervals in a row in which half of the waits are longer begin to shed."""
HELD = 0.5
"""Of that: a wait up to which no queue stands."""
FEW = 0.01
"""The share of requests that may wait too long before lower priorities are turned away for it."""
MORE, LESS = 0.1, 0.05
"""By how much of a priority more is turned away after an interval with too many of them, or less after one without."""
CALM = 20
"""Intervals."""


class Overload:
    """The controller of one process."""

    def __init__(self, enter: float = ENTER) -> None:
        self.state = State.CALM
        self.shed = dict.fromkeys(Priority, 0)
        self.unread = 0
        """Requests that were shed before anybody looked what they were."""
        self.wait = 0.0
        """The median of the last interval, in seconds."""
        self.patience = enter
        """Seconds: the longest wait of anybody who gets in while it sheds."""
        self.level = 0.0
        """How many priorities are turned away from the lowest on, and which share of the next."""
        self._enter = enter
        self._ranks: dict[Priority, int] = {}
        self._owed = dict.fromkeys(Priority, 0.0)
        """What of each is due to be turned away."""
        self._waits: list[float] = []
        self._began_at = 0.0
        self._admitted = self._late = self._shed_now = 0
        self._calm = 0
        self.use(Priority)

    def waited(self, delay: float, now: float, busy: Callable[[float], float] = lambda _: 1.0) -> None:
        """The event loop was `delay` seconds late. Called many times in an interval, and at its end decides. `busy`
        says then which share of the interval the process was."""
        self._waits.append(delay)
        if now - self._began_at >= INTERVAL:
            self.wait = wait = median_high(self._waits)
            self._waits.clear()
            self._began_at = now
            self._decide(wait if busy(now) >= BUSY else 0.0)
            self._admitted = self._late = self._shed_now = 0

    def use(self, priorities: Iterable[Priority]) -> None:
        """The priorities that there are: of the highest of them nobody is turned away for another."""
        there = set(priorities)
        ordered = [priority for priority in Priority if priority in there]
        self._ranks = {priority: rank for rank, priority in enumerate(ordered[:-1])}
        self.level = min(self.level, len(self._ranks))

    def turns_away(self, priority: Priority | None) -> bool:
        """Whether a request that waited too long is turned away before it is read; asked while shedding. `priority`: of
        the last one on its connection; None: nobody knows."""
        if priority is None or priority is Priority.HIGH:
            return False
        self.unread += 1
        self._shed_now += 1
        self._late += 1
        return True

    def admits(self, priority: Priority, *, late: bool = False) -> bool:
        """Whether a request gets in; asked of each one unless the process is calm. `late`: it waited too long."""
        if self.state is State.SHEDDING and ((late and priority is not Priority.HIGH) or self._owes(priority)):
            self.shed[priority] += 1
            self._shed_now += 1
            self._late += late
            return False
        self._admitted += 1
        return True

    def _owes(self, priority: Priority) -> bool:
        """Whether it is one of the share of its priority that is turned away; they fall evenly."""
        rank = self._ranks.get(priority)
        if rank is None or self.level <= rank:
            return False
        owed = self._owed[priority] + min(1.0, self.level - rank)
        self._owed[priority] = owed % 1.0 if owed >= 1.0 else owed
        return owed >= 1.0

    def _decide(self, wait: float) -> None:
        if self.state is not State.SHEDDING:
            stood = wait > self._enter
            self.state = State(self.state + 1) if stood else State.CALM
            self._calm = 0
            return
        too_many = self._late > FEW * (self._late + self._admitted)
        level = self.level + MORE if too_many else self.level - LESS
        self.level = min(float(len(self._ranks)), max(0.0, round(level, 3)))
        self._calm = 0 if self._shed_now or wait > self._enter * HELD else self._calm + 1
        if self._calm >= CALM:
            self.state = State.CALM
            self.level = 0.0
