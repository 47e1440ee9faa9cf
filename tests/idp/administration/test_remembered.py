"""Figures that took long are shown again for a while, those that took none are always new; two share one count."""

from __future__ import annotations

import asyncio

import pytest

from idp.administration import remembered
from idp.administration.remembered import Remembered
from tests.clock import FakeClock


class Counting:
    """Counts, which takes so many seconds."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self.clock, self.seconds, self.times = clock, seconds, 0

    async def __call__(self) -> int:
        self.times += 1
        found = self.times
        await asyncio.sleep(0)
        self.clock.advance(self.seconds)
        return found


@pytest.mark.parametrize(("seconds", "kept"), [(0.0, 0), (0.09, 0), (0.1, 10), (2, 200), (60, 300)])
async def test_as_long_as_it_took_a_hundred_times(clock: FakeClock, seconds: float, kept: float) -> None:
    figures, count = Remembered(clock), Counting(clock, seconds)
    assert await figures.figures("a", count) == 1
    if kept:
        clock.advance(kept - 0.001)
        assert await figures.figures("a", count) == 1
        assert await figures.figures("b", count) == 2, "of something else"
        clock.advance(0.001)
    assert await figures.figures("a", count) == (3 if kept else 2)


async def test_two_who_ask_at_once_wait_for_the_same(clock: FakeClock) -> None:
    figures, count = Remembered(clock), Counting(clock, 0)
    first = asyncio.create_task(figures.figures("a", count))
    second = asyncio.create_task(figures.figures("a", count))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 1
    assert await figures.figures("a", count) == 2


async def test_what_fails_is_not_remembered(clock: FakeClock) -> None:
    figures, count = Remembered(clock), Counting(clock, 1)

    async def failing() -> int:
        clock.advance(1)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await figures.figures("a", failing)
    assert await figures.figures("a", count) == 1


async def test_only_so_many_are_remembered(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST", 2)
    figures, count = Remembered(clock), Counting(clock, 1)
    for of in ("a", "b", "c", "b", "c"):
        await figures.figures(of, count)
    assert count.times == 3
    await figures.figures("a", count)
    assert count.times == 4
