"""When work that is done together begins: as soon as it arrives, with what arrives at the same moment."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Final

MOST: Final = 64
"""Pieces of work in one turn."""
TURNS: Final = 4
"""Turns at once."""
PATIENCE: Final = 0.02
"""Seconds that turns may take before another one begins beside them: rows that somebody has locked keep nobody waiting
but those who need them. More at once are otherwise no gain, since each then has less of the work."""


class Turn:
    """Somebody is at work, for `Runners`."""

    __slots__ = ("_at_work", "_runners")

    def __init__(self, runners: Runners) -> None:
        self._runners = runners
        self._at_work = True

    def goes_on(self) -> None:
        """What was taken up is done, and more is."""
        self._runners.youngest = asyncio.get_running_loop().time()

    def commits(self) -> None:
        """There is nothing left to do but to wait: the next turn may begin."""
        if self._at_work:
            self._at_work = False
            self._runners.leave()


class Runners:
    """Runs turns as long as there is something to do: so many at once, and another beside those that are held up."""

    def __init__(self, turn: Callable[[Turn], Awaitable[None]], waiting: Callable[[], int], *, at_once: int) -> None:
        """`turn` takes up some of the so many that are `waiting`, and does it."""
        self._turn = turn
        self._waiting = waiting
        self._at_once = at_once
        self._at_work = 0
        self._turns: set[asyncio.Task[None]] = set()
        """Those at work, and those that wait for their commit."""
        self._impatience: asyncio.TimerHandle | None = None
        self.youngest = float("-inf")
        """When something was taken up last, by the loop's clock."""

    def start(self) -> None:
        """Something waits."""
        loop = asyncio.get_running_loop()
        if self._at_work < self._at_once or loop.time() - self.youngest >= PATIENCE:
            if len(self._turns) < TURNS:
                self._at_work += 1
                self.youngest = loop.time()
                self._turns.add(loop.create_task(self._go(), context=contextvars.Context()))
        elif self._impatience is None:
            self._impatience = loop.call_at(self.youngest + PATIENCE, self._look_again)

    async def arrived(self) -> None:
        """Return once nothing more arrives: whoever asks at the same moment is read from sockets one after the other,
        in a few turns of the loop, which take as many microseconds."""
        before = -1
        while before < self._waiting() < MOST:
            before = self._waiting()
            await asyncio.sleep(0)

    def leave(self) -> None:
        """One less is at work."""
        self._at_work -= 1
        self._start_if_any()

    def _look_again(self) -> None:
        self._impatience = None
        self._start_if_any()

    def _start_if_any(self) -> None:
        if self._waiting():
            self.start()

    async def _go(self) -> None:
        turn = Turn(self)
        try:
            await self.arrived()
            await self._turn(turn)
        finally:
            task = asyncio.current_task()
            assert task is not None
            self._turns.discard(task)
            turn.commits()
            self._start_if_any()
