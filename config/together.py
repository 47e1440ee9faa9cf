"""Pieces of work that are under way at once share a transaction, and statements that are alike are sent together.

A round begins as soon as work arrives; what arrives meanwhile waits for the next. Each piece runs as it would in a
transaction of its own. What it looks for by `ask` is looked for with what the others look for at that moment, by one
statement. What it keeps by `keep` is written once all of them are done, by one statement a kind, and only of those that
came to an end: one that is refused has written nothing. So a commit, and all that SQLAlchemy does around a statement,
is paid for once a round, and the busier a process is, the less each costs. Alone, nothing waits for anything.

A piece that does anything else with its transaction is put out of the round and done again in one of its own: whatever
no storage has prepared for sharing works as it always did.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, NoReturn, TypeVar

from config.connections import Transaction, is_away

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")

Look = Callable[[Transaction, Sequence[K]], Awaitable[Mapping[K, V]]]
"""A storage's statement that looks for many at once; what it does not find is not in the answer."""
Write = Callable[[Transaction, Sequence[T]], Awaitable[None]]
"""A storage's statement that writes many at once."""

MOST: Final = 64
"""Pieces of work in one round."""
ROUNDS: Final = 4
"""Rounds at once."""
PATIENCE: Final = 0.02
"""Seconds that a round may take before another one begins beside it: rows that somebody has locked keep nobody waiting
but those who need them. Two at once are otherwise no gain, since each then has half of the work."""


async def ask(tx: Transaction, look: Look[K, V], key: K, *, alone: bool = False) -> V | None:
    """What `look` finds for one key. `alone`: of those who ask it for the same in one round all but the first are put
    out, since what is found is about to change."""
    if isinstance(tx, _Share):
        return await tx.ask(look, key, alone=alone)
    return (await look(tx, (key,))).get(key)


async def keep(tx: Transaction, write: Write[T], item: T) -> None:
    """Write one item: now, or at the end of a round. Nothing of it can be seen before that."""
    if isinstance(tx, _Share):
        tx.keep(write, item)
    else:
        await write(tx, (item,))


class _PutOut(BaseException):
    """This piece of work needs a transaction of its own. Nobody who catches errors catches it."""


class _Share(Transaction):
    """A piece of work's share in a round. All that a transaction can do otherwise puts its owner out."""

    def __init__(self, round_: _Round) -> None:
        self._round = round_
        self.kept: list[tuple[Write[Any], Any]] = []

    @property
    def sync_connection(self) -> NoReturn:  # type: ignore[override]  # where all of SQLAlchemy's acts pass through
        raise _PutOut

    async def ask(self, look: Look[K, V], key: K, *, alone: bool) -> V | None:
        return await self._round.ask(look, key, alone=alone)

    def keep(self, write: Write[T], item: T) -> None:
        self.kept.append((write, item))


class _Piece:
    """Work that waits for its round, or is in it."""

    __slots__ = ("context", "done", "work")

    def __init__(self, work: Callable[[Transaction], Awaitable[Any]], done: asyncio.Future[Any]) -> None:
        self.work = work
        self.done = done
        self.context = contextvars.copy_context()

    def settle(self, result: object) -> None:
        if not self.done.done():  # whoever waited may have left
            self.done.set_result(result)

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)


_OWN: Final = object()
"""The outcome of a piece that was put out."""


class Together:
    """Runs work in rounds; `begin` opens what a round is done in: a transaction, or a connection to look with."""

    def __init__(self, begin: Callable[[], AbstractAsyncContextManager[Transaction]]) -> None:
        self._begin = begin
        self._waiting: deque[_Piece] = deque()
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._youngest = float("-inf")
        """When the last round began, by the loop's clock."""
        self._impatience: asyncio.TimerHandle | None = None

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """The result of `work`, committed; what it raises, and nothing of it kept.

        It may be begun twice, and must leave nothing but what its transaction undoes. A request that goes away does not
        stop it.
        """
        piece = _Piece(work, asyncio.get_running_loop().create_future())
        self._waiting.append(piece)
        self._start()
        result = await piece.done
        if result is not _OWN:
            answer: T = result
            return answer
        async with self._begin() as tx:
            return await work(tx)

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._running or loop.time() - self._youngest >= PATIENCE:
            if self._running < ROUNDS:
                self._running += 1
                self._youngest = loop.time()
                task = loop.create_task(self._go(), context=contextvars.Context())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        elif self._impatience is None:
            self._impatience = loop.call_at(self._youngest + PATIENCE, self._look_again)

    def _look_again(self) -> None:
        self._impatience = None
        if self._waiting:
            self._start()

    async def _go(self) -> None:
        try:
            while self._waiting:
                # taken here, a turn later: whatever arrived in the same turn is in the round
                pieces = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                self._youngest = asyncio.get_running_loop().time()
                await self._round(pieces)
        finally:
            self._running -= 1

    async def _round(self, pieces: Sequence[_Piece]) -> None:
        outcomes: list[object] = []
        try:
            async with self._begin() as tx:
                outcomes = await _Round(tx).run(pieces)
        except Exception as error:
            for piece in pieces:
                # an engine that is away is so for all; any other fault is one's own, and must not be the others'
                piece.fail(error) if is_away(error) else piece.settle(_OWN)
            return
        except BaseException as error:  # the process stops
            for piece in pieces:
                piece.fail(error)
            raise
        for piece, outcome in zip(pieces, outcomes, strict=True):
            if isinstance(outcome, _PutOut):
                piece.settle(_OWN)
            elif isinstance(outcome, BaseException):
                piece.fail(outcome)
            else:
                piece.settle(outcome)


class _Round:
    """One round, in its transaction: its statements are sent one after the other, each for all who wait for it."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._asked: dict[Look[Any, Any], dict[Hashable, list[asyncio.Future[Any]]]] = {}
        self._claimed: set[tuple[Look[Any, Any], Hashable]] = set()
        self._changed = asyncio.Event()
        self._running = 0

    async def run(self, pieces: Sequence[_Piece]) -> list[object]:
        """What came of each, once all that they keep is written. Raises what a statement raised."""
        shares = [_Share(self) for _ in pieces]
        self._running = len(pieces)
        tasks = [
            asyncio.create_task(self._one(piece.work, share), context=piece.context)
            for piece, share in zip(pieces, shares, strict=True)
        ]
        try:
            while self._running:
                await self._changed.wait()  # whoever is ready in this turn has asked before the wait is over
                self._changed.clear()
                await self._look()
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        outcomes: list[object] = [task.result() for task in tasks]
        await self._write(
            [
                one
                for share, outcome in zip(shares, outcomes, strict=True)
                if not isinstance(outcome, BaseException)
                for one in share.kept
            ]
        )
        return outcomes

    async def ask(self, look: Look[K, V], key: K, *, alone: bool) -> V | None:
        if alone:
            if (look, key) in self._claimed:
                raise _PutOut
            self._claimed.add((look, key))
        answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(look, {}).setdefault(key, []).append(answer)
        self._changed.set()
        return await answer

    async def _one(self, work: Callable[[Transaction], Awaitable[Any]], share: _Share) -> object:
        """A task that raises would tell of it in the log besides."""
        try:
            return await work(share)
        except (Exception, _PutOut) as error:
            return error
        finally:
            self._running -= 1
            self._changed.set()

    async def _look(self) -> None:
        asked, self._asked = self._asked, {}
        for look, waiting in asked.items():
            found = await look(self._tx, tuple(waiting))
            for key, answers in waiting.items():
                for answer in answers:
                    if not answer.done():
                        answer.set_result(found.get(key))

    async def _write(self, kept: Sequence[tuple[Write[Any], Any]]) -> None:
        by_kind: dict[Write[Any], list[Any]] = {}
        for write, item in kept:
            by_kind.setdefault(write, []).append(item)
        for write, items in by_kind.items():
            await write(self._tx, items)
