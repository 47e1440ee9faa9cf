"""How much is begun in one turn of the event loop, and who waits for the next.

A loop serves everybody who is ready before it looks again at who is. With thousands of clients at once a turn would
last as long as all their requests together; answers of services, new connections to them and timers would wait for it,
and with few connections to a service little would pass in so long a turn. So a turn begins a bounded number of
requests, and the others stand in a queue, first come first served: how long they wait is known, and is what
`gateway.limits.overload` goes by. While that says that there is too much to do, the queue has room for as many as were
begun within half of the time that one may wait: whoever finds it full would wait in vain, and is told so at once, while
what they sent is at hand. Those who waited too long all the same, because the process was stopped, are told then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Protocol

REQUEST = 16
"""What a request costs."""
TURNED_AWAY = 1
"""What one costs that is turned away unread."""
_EACH_TURN = 32 * REQUEST
_FOREVER = float("inf")
_COUNTED_OVER = 0.1
"""Seconds."""


class Waiting(Protocol):
    """A client's connection with a request that was not begun."""

    def take_turn(self, late: bool) -> None:
        """Begin it; `late`: it waited for so long that it should be turned away."""


class Turns:
    """Of one process. Whoever begins a request looks whether something is `left`, and takes `REQUEST` of it."""

    __slots__ = ("_begun", "_counted_from", "_now", "_queue", "_renewing", "_room", "left", "patience")

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        """`now`: seconds of a clock that only rises."""
        self._now = now
        self.left = _EACH_TURN
        """Renewed once it is used up, in the turn after that: while there is little to do nobody waits for it."""
        self.patience: Callable[[], float] = lambda: _FOREVER
        """Seconds for which a request may wait."""
        self._queue: deque[tuple[Waiting, float]] = deque()
        self._renewing = False
        self._room = _FOREVER
        self._begun = 0
        """Requests whose turn came in time since `_counted_from`."""
        self._counted_from = 0.0

    @property
    def full(self) -> bool:
        """Whether whoever comes now had better be turned away at once. Never while there is not too much to do."""
        return len(self._queue) >= self._room

    def wait(self, connection: Waiting) -> None:
        """Have `take_turn` called when it is this one's turn."""
        self._queue.append((connection, self._now()))
        if not self._renewing:
            self._renewing = True
            asyncio.get_running_loop().call_soon(self._renew)

    @property
    def waited(self) -> float:
        """Seconds for which the first one has waited."""
        return self._now() - self._queue[0][1] if self._queue else 0.0

    def _renew(self) -> None:
        if self.turn():
            asyncio.get_running_loop().call_soon(self._renew)
        else:
            self._renewing = False

    def turn(self) -> bool:
        """Begin what one turn may. True: some still wait."""
        self.left = _EACH_TURN
        queue, patience = self._queue, self.patience()
        if patience == _FOREVER:
            self._room, self._counted_from = _FOREVER, 0.0
        else:
            now = self._now()
            self._make_room(now, patience)
            while queue and queue[0][1] < now - patience and self.left > _EACH_TURN // 2:
                self._take(late=True)
        while queue and self.left > 0:
            self._begun += 1
            self._take(late=False)
        return bool(queue)

    def _make_room(self, now: float, patience: float) -> None:
        if not self._counted_from:
            self._begun, self._counted_from = 0, now
        elif (seconds := now - self._counted_from) >= _COUNTED_OVER:
            # never less than a turn: the process must find something to do in each
            self._room = max(_EACH_TURN / REQUEST, self._begun / seconds * patience / 2)
            self._begun, self._counted_from = 0, now

    def _take(self, *, late: bool) -> None:
        self.left -= REQUEST
        self._queue.popleft()[0].take_turn(late)
