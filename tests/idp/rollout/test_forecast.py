"""A date is named where there is a pace, with an interval that is wider the less is known; never a hope for a date."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.rollout.forecast import FARTHEST, LEAST_DAYS, LEAST_ENROLLED, WINDOW, forecast

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TODAY = date(2026, 11, 22)


def test_a_steady_pace_names_a_date_and_its_interval() -> None:
    found = forecast(70, [10] * 14, TODAY)
    assert (found.pace, found.on, found.slowing) == (10.0, TODAY + timedelta(days=7), False)
    # of 140 seen 117.77 to 165.20 may be expected (exact Poisson)
    assert (found.from_, found.until) == (TODAY + timedelta(days=6), TODAY + timedelta(days=9))


def test_only_the_latest_days_count() -> None:
    assert forecast(70, [1000, *[10] * WINDOW], TODAY) == forecast(70, [10] * WINDOW, TODAY)


def test_days_that_vary_more_than_chance_widen_it() -> None:
    steady, bursts = forecast(200, [10] * 14, TODAY), forecast(200, [0, 0, 0, 0, 0, 0, 70] * 2, TODAY)
    assert steady.on == bursts.on
    assert steady.until is not None
    assert bursts.from_ is not None
    assert steady.from_ is not None
    assert bursts.from_ < steady.from_
    assert bursts.until is None or bursts.until > steady.until


def test_a_pace_that_falls_promises_no_last_day() -> None:
    found = forecast(100, [20] * 7 + [3] * 7, TODAY)
    assert found.slowing
    assert found.on is not None
    assert found.until is None


def test_too_little_is_known() -> None:
    for daily in ([], [9] * (LEAST_DAYS - 1), [0] * 13 + [LEAST_ENROLLED - 1]):
        found = forecast(10, daily, TODAY)
        assert (found.on, found.from_, found.until) == (None, None, None)


def test_nobody_is_left() -> None:
    assert forecast(0, [], TODAY).on == TODAY


def test_never_at_this_pace_is_no_date() -> None:
    assert forecast(10**7, [0] * 9 + [5], TODAY).on is None


@given(st.integers(1, 5000), st.lists(st.integers(0, 200), max_size=30))
@UNHURRIED
def test_the_date_lies_within_its_interval(left: int, daily: list[int]) -> None:
    found = forecast(left, daily, TODAY)
    if found.on is None:
        assert found.from_ is None
        assert found.until is None
        return
    assert TODAY <= found.on <= TODAY + FARTHEST
    assert found.from_ is not None
    assert found.from_ <= found.on
    assert found.until is None or found.until >= found.on
