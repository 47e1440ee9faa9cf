"""Time for the data path: how long one waits for a service, when this process itself has too much to do."""

from __future__ import annotations

import asyncio

import pytest

from gateway.proxy.watch import Watch

TICK = 0.1


class Waiting:
    """A task that waits for what never comes, under a watch whose ticks the test makes."""

    def __init__(self, seconds: float) -> None:
        self.watch = Watch(TICK)
        self.task = asyncio.create_task(self._wait(seconds))

    async def _wait(self, seconds: float) -> None:
        async with self.watch.patience(seconds):
            await asyncio.Event().wait()

    async def tick(self, after: float) -> bool:
        """A tick so many seconds after the last; says whether it still waits."""
        await asyncio.sleep(0)
        self.watch.now += after
        for watched in tuple(self.watch.watched):
            watched.check(self.watch.now)
        for _ in range(5):
            await asyncio.sleep(0)
        return not self.task.done()


async def test_patience_ends_by_ticks() -> None:
    waiting = Waiting(1.0)
    assert [await waiting.tick(TICK) for _ in range(9)] == [True] * 9
    assert not await waiting.tick(TICK + 0.001)
    with pytest.raises(TimeoutError):
        await waiting.task
    assert not waiting.watch.watched


async def test_a_turn_of_ours_that_takes_long_is_no_silence_of_theirs() -> None:
    waiting = Waiting(1.0)
    assert await waiting.tick(60.0)
    assert await waiting.tick(60.0)
    assert [await waiting.tick(TICK) for _ in range(5)] == [True] * 5
    assert not await waiting.tick(TICK + 0.001)
    with pytest.raises(TimeoutError):
        await waiting.task


async def test_what_is_done_in_time_is_left_alone() -> None:
    watch = Watch(TICK)
    async with watch.patience(1.0):
        assert len(watch.watched) == 1
    assert not watch.watched
