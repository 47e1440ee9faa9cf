"""Looks that are under way at once are sent together, like those of a round (`config.together`).

Here nothing is written and no lock is held, so there is no round to be in: each piece of work runs by itself, and waits
for its own look alone. A look is sent after it was asked for, never before, so nobody is told what was true earlier.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from config.connections import Transaction, is_away
from config.runners import Runners, Turn
from config.together import Look, PutOut, Share

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")

_Waiting = dict[Hashable, list[asyncio.Future[Any]]]
"""Who waits for each key."""


class Looking:
    """Runs work that looks; `begin` opens a connection to look with."""

    def __init__(self, begin: Callable[[], AbstractAsyncContextManager[Transaction]]) -> None:
        self._begin = begin
        self._asked: dict[Look[Any, Any], _Waiting] = {}
        self._waiting = 0
        """How many are in it."""
        self._runners = Runners(self._look, lambda: self._waiting, at_once=2)
        self._share = _AtOnce(self)

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """The result of `work`, which may be begun twice. What does more than `ask` gets a connection of its own."""
        try:
            return await work(self._share)
        except PutOut:
            async with self._begin() as tx:
                return await work(tx)

    async def ask(self, look: Look[K, V], key: K) -> V | None:
        """What the next statement of `look` finds for one key."""
        answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(look, {}).setdefault(key, []).append(answer)
        self._waiting += 1
        self._runners.start()
        return await answer

    async def _look(self, turn: Turn) -> None:
        while self._asked:
            turn.goes_on()
            await self._look_once()
            await self._runners.arrived()

    async def _look_once(self) -> None:
        """For all who wait. They go on once the connection is given back: whoever is the last may close the pool."""
        asked = self._taken()
        try:
            async with self._begin() as tx:
                found = [(waiting, await look(tx, tuple(waiting))) for look, waiting in asked.items()]
        except Exception as error:
            # an engine that is away is so for all; any other fault is one's own, and must not be the others'
            _fail(asked, error if is_away(error) else PutOut())
        except BaseException as error:  # the process stops
            _fail(asked, error)
            raise
        else:
            for waiting, answer in found:
                _answer(waiting, answer)

    def _taken(self) -> dict[Look[Any, Any], _Waiting]:
        """All who wait."""
        asked, self._asked, self._waiting = self._asked, {}, 0
        return asked


def _answer(waiting: _Waiting, found: Mapping[Any, Any]) -> None:
    for key, answers in waiting.items():
        for answer in answers:
            if not answer.done():  # whoever waited may have left
                answer.set_result(found.get(key))


def _fail(asked: Mapping[Look[Any, Any], _Waiting], error: BaseException) -> None:
    for waiting in asked.values():
        for answers in waiting.values():
            for answer in answers:
                if not answer.done():
                    answer.set_exception(error)


class _AtOnce(Share):
    """What all of them are given: none has anything of its own."""

    def __init__(self, looking: Looking) -> None:
        self._looking = looking

    async def ask(self, look: Look[K, V], key: K, *, alone: bool, holds: bool) -> V | None:
        if alone:
            raise PutOut
        return await self._looking.ask(look, key)
