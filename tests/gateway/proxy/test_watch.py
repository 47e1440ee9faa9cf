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
        self.watch.tick(self.watch.now + after)
        for _ in range(5):
            await asyncio.sleep(0)
        return not self.task.done()


async def test_patience_ends_by_ticks() -> None:
    waiting = Waiting(1.0)
    assert [await waiting.tick(TICK) for _ in range(9)] == [True] * 9
    assert not await waiting.tick(TICK + 0.001)
    with pytest.raises(TimeoutError):
        await waiting.task
    assert not waiting.watch._patient


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
        assert len(watch._patient) == 1
    assert not watch._patient


class Looked:
    """Counts how often it was looked at."""

    def __init__(self) -> None:
        self.times = 0

    def check(self, now: float) -> None:
        self.times += 1


def test_few_are_looked_at_in_each_tick() -> None:
    watch, few = Watch(TICK), [Looked() for _ in range(1000)]
    watch.watched.update(few)
    for number in range(1, 4):
        watch.tick(number * TICK)
        assert {one.times for one in few} == {number}


@pytest.mark.parametrize("count", [1001, 4000, 25_000])
def test_of_many_each_is_looked_at_within_ten_ticks_and_a_tick_takes_its_share(count: int) -> None:
    watch, many = Watch(TICK), [Looked() for _ in range(count)]
    watch.watched.update(many)
    shares = []
    while not all(one.times for one in many):
        before = sum(one.times for one in many)
        watch.tick(watch.now + TICK)
        shares.append(sum(one.times for one in many) - before)
    assert len(shares) <= 10
    assert max(shares) == max(1000, count // 10)
    assert {one.times for one in many} == {1}


def test_whoever_left_since_the_round_began_is_left_alone() -> None:
    watch, many = Watch(TICK), [Looked() for _ in range(3000)]
    watch.watched.update(many)
    watch.tick(TICK)
    left = next(one for one in many if not one.times)
    watch.watched.discard(left)
    watch.tick(2 * TICK)
    watch.tick(3 * TICK)
    assert left.times == 0
    assert sum(one.times for one in many) == 2999
