"""Intervals and tests against published figures, and against what counting by hand says."""

from __future__ import annotations

from functools import cache
from random import Random
from statistics import median

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.rollout.inference import (
    LEAST_TIMES,
    Share,
    mann_whitney,
    medians_apart,
    needed,
    quantile,
    two_proportions,
    wilson,
)

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize(  # Newcombe 1998, "Two-sided confidence intervals for the single …", table I, method 3
    ("hits", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_a_proportion(hits: int, of: int, low: float, high: float) -> None:
    found = wilson(Share(of, hits))
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(  # Newcombe 1998, "Interval estimation for the difference between …", table II, method 10
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_a_difference(one: tuple[int, int], other: tuple[int, int], low: float, high: float) -> None:
    found = two_proportions(Share(one[1], one[0]), Share(other[1], other[0]))
    assert found is not None
    assert (round(found.interval.low, 4), round(found.interval.high, 4)) == (low, high)


def test_how_often_chance_sets_two_proportions_apart() -> None:
    found = two_proportions(Share(50, 15), Share(50, 25))  # chi squared 4.1667 with one degree of freedom
    assert found is not None
    assert round(found.p, 5) == 0.04123
    same = two_proportions(Share(10, 10), Share(20, 20))
    assert same is not None
    assert (same.value, same.p) == (0.0, 1.0)


def test_of_nobody_nothing_is_said() -> None:
    nobody, somebody = Share(0, 0), Share(10, 5)
    assert (nobody.value, wilson(nobody)) == (None, None)
    assert two_proportions(nobody, somebody) is None
    assert two_proportions(somebody, nobody) is None
    few = [1.0] * (LEAST_TIMES - 1)
    assert mann_whitney(few, [2.0] * 99) is None
    assert medians_apart([2.0] * 99, few, Random(1)) is None
    assert quantile([], 0.5) is None


durations = st.lists(st.integers(1, 12).map(float), min_size=LEAST_TIMES, max_size=40)


@given(durations, durations)
@UNHURRIED
def test_ranks_are_those_of_counting_every_pair(one: list[float], other: list[float]) -> None:
    found = mann_whitney(one, other)
    assert found is not None
    pairs = sum((x > y) + (x == y) / 2 for x in one for y in other)
    assert found.u == pairs
    assert found.longer == pytest.approx(pairs / (len(one) * len(other)))
    mirrored = mann_whitney(other, one)
    assert mirrored is not None
    assert mirrored.p == pytest.approx(found.p)


@cache
def arrangements(u: int, n: int, m: int) -> int:
    """In how many of all orders of n and m without ties the statistic is u (Mann and Whitney 1947)."""
    if u < 0 or n < 0 or m < 0:
        return 0
    if n == 0 or m == 0:
        return int(u == 0)
    return arrangements(u - m, n - 1, m) + arrangements(u, n, m - 1)


@pytest.mark.parametrize("shift", [4, 9, 14])
def test_the_approximation_is_near_the_exact_test(shift: int) -> None:
    n = LEAST_TIMES
    one, other = [float(2 * rank) for rank in range(n)], [float(2 * rank + 1 + 2 * shift) for rank in range(n)]
    found = mann_whitney(one, other)
    assert found is not None
    every = sum(arrangements(u, n, n) for u in range(n * n + 1))
    exact = min(1.0, 2 * sum(arrangements(u, n, n) for u in range(int(found.u) + 1)) / every)
    assert found.p == pytest.approx(exact, abs=0.003)


def test_equal_times_count_for_less() -> None:
    found = mann_whitney([1.0] * 10 + [2.0] * 10, [1.0] * 5 + [2.0] * 15)
    assert found is not None
    # variance 400 / 12 * (41 - (15^3 - 15 + 25^3 - 25) / (40 * 39)) = 961.54, and z = 49.5 / 31.01
    assert (found.u, round(found.p, 3)) == (150.0, 0.11)
    assert found.p != pytest.approx(0.181, abs=0.01), "as it would be without the ties"


def test_all_alike_are_not_apart() -> None:
    found = mann_whitney([3.0] * 30, [3.0] * 40)
    assert found is not None
    assert (found.p, found.longer) == (1.0, 0.5)


@pytest.mark.parametrize("size", [50, 51])
def test_the_quick_resample_is_distributed_as_a_slow_one(size: int) -> None:
    random = Random(7)
    one = [random.expovariate(1 / 20) for _ in range(size)]
    quick = medians_apart(one, [0.0] * LEAST_TIMES, Random(1))
    assert quick is not None
    assert quick[0] == median(one)
    slow = sorted(median(random.choices(one, k=size)) for _ in range(2000))
    low, high = slow[50], slow[1949]
    width = high - low
    assert quick[1].low == pytest.approx(low, abs=0.2 * width)
    assert quick[1].high == pytest.approx(high, abs=0.2 * width)


def test_quantiles_lie_between_neighbours() -> None:
    assert quantile([1.0, 2.0, 4.0], 0.5) == 2.0
    assert quantile([1.0, 2.0, 4.0, 8.0], 0.5) == 3.0
    assert quantile([1.0, 2.0, 4.0, 8.0], 1.0) == 8.0


@pytest.mark.parametrize(("base", "apart", "people"), [(0.6, 0.1, 356), (0.9, -0.05, 686), (0.5, 0.2, 93)])
def test_how_many_it_takes(base: float, apart: float, people: int) -> None:
    assert needed(base, apart) == people


def test_none_apart_cannot_be_seen() -> None:
    with pytest.raises(ValueError):
        needed(1.0, 0.1)
