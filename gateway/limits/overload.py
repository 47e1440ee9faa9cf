"""When to shed, and how much: pure rules of how long work waits for this process. Moments are seconds of one clock.

*When*: the event loop is the queue. A process that keeps up finds it empty most of the time; where waiting stays long
for a whole interval, the queue stands, and will not go away by itself (controlled delay, RFC 8289, sections 3 and 4,
with its interval of 100 ms). There it is the shortest wait that counts; here, where waits are seen from a timer that
falls anywhere into a turn of the loop, it is the median. One long pause is no standing queue: it takes two intervals.
Nor is lateness one while the process does not run all the time: then it sleeps, or others have its core, and nothing is
won by doing less (`gateway.limits.busyness`). A process that is held to a part of a core by a quota never sheds.

*How much*: requests get in by a token bucket whose rate rises a little as long as no queue stands and falls by more as
soon as one does (adaptive admission control: Welsh and Culler, "Adaptive Overload Control for Busy Internet
Servers", USITS 2003). A rate and not a number of exchanges at once, since those that wait for a slow service cost this
process nothing. Lower priorities may take only what the bucket holds above a reserve, so the lowest are shed first.

*Whom*: who waited for longer than `PATIENCE` when their turn comes is turned away, unless of the highest priority. So
the wait of those that get in has a bound, whatever the rate still is: it is found by trial, and others may have taken
the core meanwhile. Somebody who is told at once can ask elsewhere; whoever is served after a queue has only waited.

*Hysteresis*: shedding begins at `ENTER` and holds the wait at a fifth of it; it ends after `CALM` intervals in which
nobody was shed and no queue stood.
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
    COUNTING = 1
    """A queue stood for an interval: requests are counted, so that shedding begins at the pace that was possible."""
    SHEDDING = 2


BUSY = 0.9
"""The share of time in which the process runs, from which on a wait is a queue's."""
INTERVAL = 0.1
"""Seconds over which waits are looked at together (RFC 8289, section 4.3)."""
ENTER = 0.02
"""Seconds: two intervals in a row in which half of the waits are longer begin to shed."""
HELD = 0.5
"""Of what begins it: the wait at which shedding holds the queue (4 ms, by default; RFC 8289 has 5)."""
FALL, RISE, RETURN = 0.8, 1.03, 1.15
"""By which the rate is multiplied each interval; it returns more quickly to where a queue last began to stand."""
NEAR = 0.8
"""Of that: from there on it rises slowly."""
SHRINKS = 0.8
"""A wait that is at most so much of the last one is on its way down already, and needs no lower rate."""
CALM = 20
"""Intervals."""
PATIENCE = 1.0
"""Of what begins shedding: the longest wait of anybody who gets in meanwhile, in the queue of `gateway.proxy.turns`."""
LEAST = 200.0
"""Requests a second that always get in: where waiting is long for so few, it is not they who cause it."""
AT_ONCE = 0.02
"""Seconds of its rate that get in at one moment: so long they wait for each other."""
LEAST_AT_ONCE = 50.0
RESERVE = {Priority.LOW: 0.5, Priority.NORMAL: 0.2, Priority.HIGH: 0.0}
"""Of the bucket: what is left for those of higher priority."""


class Overload:
    """The controller of one process."""

    def __init__(self, enter: float = ENTER) -> None:
        self.state = State.CALM
        self.rate = 0.0
        """Requests a second that get in, while shedding."""
        self.shed = dict.fromkeys(Priority, 0)
        self.unread = 0
        """Requests that were shed before anybody looked what they were."""
        self._reserve = RESERVE
        self.wait = 0.0
        """The median of the last interval, in seconds."""
        self.patience = enter * PATIENCE
        """Seconds."""
        self._enter = enter
        self._waits: list[float] = []
        self._began_at = 0.0
        self._admitted = 0
        self._shed_now = 0
        self._calm = 0
        self._falling = False
        self._stood_at = 0.0
        """The rate at which a queue last began to stand."""
        self._tokens = 0.0
        self._filled_at = 0.0

    def waited(self, delay: float, now: float, busy: Callable[[float], float] = lambda _: 1.0) -> None:
        """The event loop was `delay` seconds late. Called many times in an interval, and at its end decides. `busy`
        says then which share of the interval the process was."""
        self._waits.append(delay)
        lasted = now - self._began_at
        if lasted >= INTERVAL:
            wait, former = median_high(self._waits), self.wait
            self._waits.clear()
            self.wait, self._began_at = wait, now
            self._decide(wait if busy(now) >= BUSY else 0.0, former, now, lasted)
            self._admitted = self._shed_now = 0

    def use(self, priorities: Iterable[Priority]) -> None:
        """The priorities that there are: nothing is kept back for higher ones."""
        kept = min((RESERVE[priority] for priority in priorities), default=0.0)
        self._reserve = {priority: max(0.0, share - kept) for priority, share in RESERVE.items()}

    def is_full(self, now: float, *, late: Priority | None = None) -> bool:
        """Whether nobody gets in at this moment, whatever their priority: then a request need not even be read. Asked
        while shedding; whoever asks turns one away. `late`: one is asked for that waited too long, and most likely has
        this priority."""
        self._fill(now)
        if self._tokens >= 1.0 and (late is None or late is Priority.HIGH):
            return False
        self.unread += 1
        self._shed_now += 1
        return True

    def admits(self, priority: Priority, now: float, *, late: bool = False) -> bool:
        """Whether a request gets in; asked of each one unless the process is calm. `late`: it waited too long."""
        if self.state is State.SHEDDING:
            depth = self._fill(now)
            if (
                (late and priority is not Priority.HIGH)
                or self._tokens < 1.0
                or self._tokens - 1.0 < depth * self._reserve[priority]
            ):
                self.shed[priority] += 1
                self._shed_now += 1
                return False
            self._tokens -= 1.0
        self._admitted += 1
        return True

    def _fill(self, now: float) -> float:
        """Fill the bucket; says how much it holds at most."""
        depth = max(LEAST_AT_ONCE, self.rate * AT_ONCE)
        self._tokens = min(depth, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        return depth

    def _decide(self, wait: float, former: float, now: float, lasted: float) -> None:
        if self.state is State.CALM:
            if wait > self._enter:
                self.state = State.COUNTING
        elif self.state is State.COUNTING:
            if wait > self._enter:
                self._begin(now, lasted)
            else:
                self.state = State.CALM
        elif wait > self._enter * HELD:
            self._calm = 0
            if wait > former * SHRINKS:
                possible = min(self.rate, self._admitted / lasted)
                if not self._falling:
                    self._stood_at, self._falling = possible, True
                self.rate = max(LEAST, FALL * possible)
        else:
            self._calm = 0 if self._shed_now else self._calm + 1
            self._falling = False
            self.rate *= RETURN if self.rate * RETURN < self._stood_at * NEAR else RISE
            if self._calm >= CALM:
                self.state = State.CALM

    def _begin(self, now: float, lasted: float) -> None:
        self.state = State.SHEDDING
        self._stood_at, self._falling = self._admitted / lasted, True
        self.rate = max(LEAST, FALL * self._stood_at)
        self._tokens, self._filled_at = LEAST_AT_ONCE, now
        self._calm = 0
