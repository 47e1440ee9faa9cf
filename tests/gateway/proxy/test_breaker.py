"""The breaker and the budget of repeats, at the very moments where they turn."""

from __future__ import annotations

import pytest

from gateway.proxy.breaker import Breaker, State
from gateway.proxy.retry_budget import RetryBudget
from gateway.routes.upstream import Ejection


@pytest.fixture
def breaker() -> Breaker:
    return Breaker(Ejection(failures=3, rest=1.0, longest=5.0))


def unreached(breaker: Breaker, now: float, times: int = 3) -> list[bool]:
    return [breaker.not_reached(now) for _ in range(times)]


def answered_badly(breaker: Breaker, now: float) -> None:
    for _ in range(3):
        breaker.failed(now, may_open=True)


def test_it_opens_after_failures_in_a_row(breaker: Breaker) -> None:
    assert unreached(breaker, 0, 2) == [False, False]
    breaker.reached(0)
    assert unreached(breaker, 0) == [False, False, True]
    assert (breaker.state, breaker.unreachable) == (State.OPEN, True)
    assert not breaker.not_reached(0)


def test_it_is_tried_when_the_rest_is_over_and_not_before(breaker: Breaker) -> None:
    unreached(breaker, 10)
    assert not breaker.tries(10.999)
    assert breaker.rest(10.5) == 0.5
    assert breaker.tries(11)
    breaker.begin_trial(11, patience=8)
    assert breaker.state is State.HALF_OPEN
    assert not breaker.tries(18.999)
    assert breaker.tries(19)  # nothing was heard of that trial


def test_a_trial_decides(breaker: Breaker) -> None:
    unreached(breaker, 0)
    breaker.begin_trial(1, patience=8)
    breaker.reached(1)
    assert breaker.state is State.CLOSED
    assert breaker.rest(1) == 0


def test_each_further_rest_is_twice_as_long_up_to_a_bound(breaker: Breaker) -> None:
    answered_badly(breaker, 100)
    rests, now = [], 100.0
    for _ in range(5):
        rests.append(breaker.rest(now))
        now += rests[-1]
        breaker.begin_trial(now, patience=8)
        assert breaker.failed(now, may_open=True)
    assert rests == [1, 2, 4, 5, 5]


def test_who_cannot_be_reached_is_dialled_again_and_again(breaker: Breaker) -> None:
    unreached(breaker, 100)
    now = 100.0
    for _ in range(20):
        assert breaker.rest(now) == pytest.approx(1)
        now += 1
        breaker.begin_trial(now, patience=8)
        assert breaker.not_reached(now)


def test_who_fails_again_soon_rests_longer_and_who_was_well_for_long_does_not(breaker: Breaker) -> None:
    answered_badly(breaker, 100)
    breaker.begin_trial(101, patience=8)
    breaker.answered(101)
    answered_badly(breaker, 160.999)
    assert breaker.rest(160.999) == pytest.approx(2)
    breaker.begin_trial(163, patience=8)
    breaker.answered(163)
    answered_badly(breaker, 223)
    assert breaker.rest(223) == 1


def test_a_connection_does_not_make_up_for_answers(breaker: Breaker) -> None:
    assert not breaker.failed(0, may_open=True)
    breaker.reached(0)
    assert not breaker.failed(0, may_open=True)
    breaker.reached(0)
    assert breaker.failed(0, may_open=True)
    breaker.begin_trial(1, patience=8)
    breaker.reached(1)
    assert breaker.state is State.HALF_OPEN
    breaker.answered(1)
    assert breaker.state is State.CLOSED


def test_a_late_good_answer_ends_no_rest(breaker: Breaker) -> None:
    for _ in range(3):
        breaker.failed(0, may_open=True)
    breaker.answered(0.5)
    assert breaker.state is State.OPEN
    breaker.checked(0.999)
    assert breaker.state is State.OPEN
    breaker.checked(1)
    assert breaker.state is State.CLOSED


def test_a_good_check_shows_that_it_can_be_reached_again(breaker: Breaker) -> None:
    unreached(breaker, 0)
    breaker.checked(0.5)
    assert breaker.state is State.CLOSED


def test_one_that_may_not_open_stays_closed_and_wants_to_hear_of_good_answers(breaker: Breaker) -> None:
    assert not breaker.suspect
    for _ in range(9):
        assert not breaker.failed(0, may_open=False)
    assert breaker.state is State.CLOSED
    assert breaker.suspect
    breaker.answered(0)
    assert not breaker.suspect


def test_one_that_is_tried_opens_again_even_where_it_may_not(breaker: Breaker) -> None:
    for _ in range(3):
        breaker.failed(0, may_open=True)
    breaker.begin_trial(1, patience=8)
    assert breaker.failed(1, may_open=False)
    assert breaker.state is State.OPEN


def test_good_answers_earn_a_fifth_of_a_repeat_and_time_earns_a_few() -> None:
    budget = RetryBudget(2)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.earn(4, 0)
    assert not budget.spend()
    budget.earn(1, 0)
    assert budget.spend()
    budget.earn(0, 1)
    assert budget.spend()
    budget.earn(1000, 1000)
    assert [budget.spend() for _ in range(3)] == [True, True, False]
