"""The local guard: the rate in any window, for anybody, in bounded memory."""

from __future__ import annotations

from bisect import bisect_left

from hypothesis import given
from hypothesis import strategies as st

from gateway.limits.guard import Guard
from gateway.limits.rate import Per, Rate, wait_for


def rate(requests: int = 10, seconds: int = 10, burst: int = 5) -> Rate:
    return Rate(Per.ADDRESS, requests, seconds, burst, "zone shop")


def asks(guard: Guard, subject: str, now: float) -> bool:
    if guard.wait(subject, now):
        return False
    guard.take(subject, now)
    return True


@given(
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=200),
    requests=st.integers(1, 50),
    seconds=st.integers(1, 20),
    burst=st.integers(1, 20),
)
def test_no_window_holds_more_than_the_rate_and_one_burst(
    gaps: list[float], requests: int, seconds: int, burst: int
) -> None:
    guard, now, admitted = Guard(rate(requests, seconds, burst)), 1e6, []
    for gap in gaps:
        now += gap
        wait = guard.wait("a", now)
        if asks(guard, "a", now):
            admitted.append(now)
        else:
            assert guard.wait("a", now + wait) == 0, "whoever waits as long as told gets in"
    for first, begin in enumerate(admitted):
        for last, end in enumerate(admitted[first:], first):
            assert last - first + 1 <= burst + requests / seconds * (end - begin) + 0.01


@given(st.lists(st.floats(0, 2), min_size=1, max_size=100))
def test_nobody_waits_who_keeps_to_the_rate(extra: list[float]) -> None:
    guard, now = Guard(rate(requests=3, seconds=1, burst=1)), 5.0
    for more in extra:
        assert asks(guard, "a", now)
        now += 1 / 3 + more


def test_a_burst_comes_at_once_and_then_the_rate() -> None:
    guard = Guard(rate(requests=10, seconds=10, burst=5))
    assert [asks(guard, "a", 100.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert guard.wait("a", 100.0) == 1.0
    assert asks(guard, "a", 101.0)
    assert not asks(guard, "a", 101.5)
    assert asks(guard, "b", 101.5), "another is counted by itself"


def test_whoever_owes_nothing_is_forgotten() -> None:
    guard = Guard(rate())
    for number in range(100):
        asks(guard, str(number), 100.0 + number / 100)
    guard.sweep(200.0)
    assert len(guard) == 100, "what no other node heard of is kept"
    for count in guard.dirty:
        count.unsettled = 0
    guard.dirty = []
    guard.sweep(101.5)
    assert len(guard) == 100 - bisect_left([101.0 + number / 100 for number in range(100)], 101.501)
    guard.sweep(200.0)
    assert len(guard) == 0


def test_many_addresses_take_bounded_memory_and_what_is_settled_makes_room() -> None:
    guard = Guard(rate(requests=1, seconds=1000, burst=1), capacity=100)
    for number in range(100):
        assert asks(guard, f"old {number}", 100.0)
    for count in guard.dirty:
        count.unsettled = 0
    guard.dirty = []
    assert all(asks(guard, f"new {number}", 101.0) for number in range(100))
    assert len(guard) == 100
    assert not asks(guard, "new 5", 101.0)


def test_at_capacity_without_the_store_newcomers_share_one_count_and_the_known_are_kept() -> None:
    guard = Guard(rate(requests=1, seconds=1000, burst=2), capacity=100)
    for number in range(100):
        assert asks(guard, f"old {number}", 100.0)
    guard.settles = False
    for count in guard.dirty:
        count.unsettled = 0
    admitted = sum(asks(guard, f"new {number}", 101.0) for number in range(10_000))
    assert admitted == 2, "as many as one of them might have"
    assert len(guard) == 100
    assert [asks(guard, "old 7", 101.0) for _ in range(2)] == [True, False], "a flood takes nobody's share"


def test_waiting_is_told_exactly() -> None:
    assert wait_for(0.0, 50.0, 1.0, 1) == 0
    assert wait_for(51.0, 50.0, 1.0, 1) == 1.0
    assert wait_for(53.0, 50.0, 1.0, 3) == 1.0
