"""Pieces of work that are under way at once share a transaction, and statements that are alike are sent together.

A round begins as soon as nothing more arrives (`config.runners`); what arrives meanwhile is in the next. Each piece
runs as it would in a transaction of its own. What it looks for by `ask` is looked for with what the others look for
at that moment, by one statement. What it keeps by `keep` is written once all of them are done, by one statement a
kind, and only of those that came to an end: one that is refused has written nothing. So a commit, and all that is
done around a statement, is paid for once a round, and the busier a process is, the less each costs. Alone, nothing
waits for anything.

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
from config.direct import hold
from config.runners import MOST, Runners, Turn

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
T = TypeVar("T")

Look = Callable[[Transaction, Sequence[K]], Awaitable[Mapping[K, V]]]
"""A storage's statement that looks for many at once; what it does not find is not in the answer."""
Write = Callable[[Transaction, Sequence[T]], Awaitable[None]]
"""A storage's statement that writes many at once."""

AT_WORK: Final = 3
"""Rounds that have more to do than to commit: while one waits for a look, the other does what it has found."""


async def ask(tx: Transaction, look: Look[K, V], key: K, *, alone: bool = False, holds: bool = True) -> V | None:
    """What `look` finds for one key. `alone`: of those who ask it for the same in one round all but the first are put
    out, since what is found is about to change. `holds`: whether it may lock what it finds."""
    if isinstance(tx, Share):
        return await tx.ask(look, key, alone=alone, holds=holds)
    return (await look(tx, (key,))).get(key)


async def keep(tx: Transaction, write: Write[T], item: T, *, atomic: bool = False) -> None:
    """Write one item: now, or at the end of a round. Nothing of it can be seen before that. `atomic`: `write` is one
    statement, and needs no transaction around it if it is all that there is to write."""
    if isinstance(tx, Share):
        tx.keep(write, item, atomic=atomic)
    else:
        await write(tx, (item,))


class PutOut(BaseException):
    """This piece of work needs a transaction of its own. Nobody who catches errors catches it."""


class Share(Transaction):
    """A piece of work's share in what is done together. All that a transaction can do otherwise puts its owner out."""

    @property
    def sync_connection(self) -> NoReturn:  # type: ignore[override]  # where all of SQLAlchemy's acts pass through
        raise PutOut

    async def ask(self, look: Look[K, V], key: K, *, alone: bool, holds: bool) -> V | None:
        raise PutOut

    def keep(self, write: Write[T], item: T, *, atomic: bool) -> None:
        raise PutOut


class _InRound(Share):
    """Its share in a round."""

    def __init__(self, round_: _Round) -> None:
        self._round = round_
        self.kept: list[tuple[Write[Any], Any]] = []
        self.atomic = True
        """Whether each of them is one statement."""

    async def ask(self, look: Look[K, V], key: K, *, alone: bool, holds: bool) -> V | None:
        return await self._round.ask(look, key, alone=alone, holds=holds)

    def keep(self, write: Write[T], item: T, *, atomic: bool) -> None:
        self.kept.append((write, item))
        self.atomic = self.atomic and atomic


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
    """Runs work in rounds; `begin` opens the transaction of each."""

    def __init__(self, begin: Callable[[], AbstractAsyncContextManager[Transaction]]) -> None:
        self._begin = begin
        self._waiting: deque[_Piece] = deque()
        self._runners = Runners(self._round, lambda: len(self._waiting), at_once=AT_WORK)

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """The result of `work`, committed; what it raises, and nothing of it kept.

        It may be begun twice, and must leave nothing but what its transaction undoes. A request that goes away does not
        stop it.
        """
        piece = _Piece(work, asyncio.get_running_loop().create_future())
        self._waiting.append(piece)
        self._runners.start()
        result = await piece.done
        if result is not _OWN:
            answer: T = result
            return answer
        async with self._begin() as tx:
            await hold(tx)
            return await work(tx)

    async def _round(self, turn: Turn) -> None:
        pieces = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        if not pieces:  # another round was quicker
            return
        outcomes: list[object] = []
        try:
            async with self._begin() as tx:
                outcomes = await _Round(tx).run(pieces)
                turn.commits()
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
            if isinstance(outcome, PutOut):
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
        self._holds = False
        """Whether what is looked for next must stay as it is until the commit."""
        self._changed = asyncio.Event()
        self._running = 0

    async def run(self, pieces: Sequence[_Piece]) -> list[object]:
        """What came of each, once all that they keep is written. Raises what a statement raised."""
        shares = [_InRound(self) for _ in pieces]
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
            [share for share, outcome in zip(shares, outcomes, strict=True) if not isinstance(outcome, BaseException)]
        )
        return outcomes

    async def ask(self, look: Look[K, V], key: K, *, alone: bool, holds: bool) -> V | None:
        self._holds = self._holds or holds
        if alone:
            if (look, key) in self._claimed:
                raise PutOut
            self._claimed.add((look, key))
        answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(look, {}).setdefault(key, []).append(answer)
        self._changed.set()
        return await answer

    async def _one(self, work: Callable[[Transaction], Awaitable[Any]], share: _InRound) -> object:
        """A task that raises would tell of it in the log besides."""
        try:
            return await work(share)
        except (Exception, PutOut) as error:
            return error
        finally:
            self._running -= 1
            self._changed.set()

    async def _look(self) -> None:
        asked, self._asked = self._asked, {}
        if self._holds:
            await hold(self._tx)
        for look, waiting in asked.items():
            found = await look(self._tx, tuple(waiting))
            for key, answers in waiting.items():
                for answer in answers:
                    if not answer.done():
                        answer.set_result(found.get(key))

    async def _write(self, shares: Sequence[_InRound]) -> None:
        by_kind: dict[Write[Any], list[Any]] = {}
        for share in shares:
            for write, item in share.kept:
                by_kind.setdefault(write, []).append(item)
        if len(by_kind) > 1 or not all(share.atomic for share in shares):
            await hold(self._tx)
        for write, items in by_kind.items():
            await write(self._tx, items)
