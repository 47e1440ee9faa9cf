"""How much is begun in one turn of the event loop, and who waits for the next.

A loop serves everybody who is ready before it looks again at who is. With thousands of clients at once a turn would
last as long as all their requests together; answers of services, new connections to them and timers would wait for it,
and with few connections to a service little would pass in so long a turn. So a turn begins a bounded number of
requests, and the others stand in a queue, first come first served: how long they wait is known, and is what
`gateway.limits.overload` goes by. While that says that there is too much to do, whoever came last is served first, and
those who waited too long are turned away: in a queue that only grows, first come first served is late for everybody.
The queue then has room for as many as were begun in the last tenth of a second within the time that they may wait.
Whoever finds it full would wait in vain, and is better told at once, while what they sent is at hand.
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

    __slots__ = ("_begun", "_counted_from", "_queue", "_renewing", "_room", "left", "patience")

    def __init__(self) -> None:
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
        self._queue.append((connection, monotonic()))
        if not self._renewing:
            self._renewing = True
            asyncio.get_running_loop().call_soon(self._renew)

    @property
    def waited(self) -> float:
        """Seconds for which the first one has waited."""
        return monotonic() - self._queue[0][1] if self._queue else 0.0

    def _renew(self) -> None:
        self.left = _EACH_TURN
        queue, patience = self._queue, self.patience()
        if patience == _FOREVER:
            self._room, self._counted_from = _FOREVER, 0.0
        else:
            now = monotonic()
            self._make_room(now, patience)
            since = now - patience
            while queue and queue[0][1] < since and self.left > _EACH_TURN // 2:
                self._turn(queue.popleft()[0], late=True)
        first = queue.popleft if patience == _FOREVER else queue.pop
        while queue and self.left > 0:
            self._begun += 1
            self._turn(first()[0], late=False)
        if queue:
            asyncio.get_running_loop().call_soon(self._renew)
        else:
            self._renewing = False

    def _make_room(self, now: float, patience: float) -> None:
        if not self._counted_from:
            self._begun, self._counted_from = 0, now
        elif (seconds := now - self._counted_from) >= _COUNTED_OVER:
            # never less than a turn: the process must find something to do in each
            self._room = max(_EACH_TURN / REQUEST, self._begun / seconds * patience)
            self._begun, self._counted_from = 0, now

    def _turn(self, connection: Waiting, *, late: bool) -> None:
        self.left -= REQUEST
        connection.take_turn(late)
