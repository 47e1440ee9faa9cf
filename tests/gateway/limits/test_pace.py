"""How quickly something gets on, in whole windows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.limits.pace import Pace


def slow(pace: Pace, of: object, done: int, now: float) -> bool:
    return pace.too_slow(of, done, now, least=100, window=10)


def test_it_is_judged_by_whole_windows_and_each_anew() -> None:
    pace, body = Pace(), object()
    assert not slow(pace, body, 0, 0.0)
    assert not slow(pace, body, 1, 9.9)
    assert not slow(pace, body, 1000, 10.0), "just enough"
    assert not slow(pace, body, 1500, 19.9)
    assert slow(pace, body, 1999, 20.0)


def test_another_one_and_one_that_had_to_wait_begin_anew() -> None:
    pace, body = Pace(), object()
    slow(pace, body, 0, 0.0)
    assert not slow(pace, object(), 0, 50.0)
    assert not slow(pace, body, 0, 60.0)
    pace.rest()
    assert not slow(pace, body, 0, 100.0)
    assert slow(pace, body, 0, 110.0)


@given(st.lists(st.tuples(st.floats(0.05, 3), st.integers(0, 2000)), max_size=100))
def test_nobody_is_slow_who_sends_the_least_in_every_second(pieces: list[tuple[float, int]]) -> None:
    pace, body, now, done = Pace(), object(), 0.0, 0
    for gap, more in pieces:
        now += gap
        done += int(100 * gap) + 1 + more
        assert not slow(pace, body, done, now)
