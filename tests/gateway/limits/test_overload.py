"""When a process sheds, and whom: the pure rules, against a simulated event loop."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.limits.overload import CALM, ENTER, INTERVAL, LESS, MORE, Overload, Priority, State
from gateway.proxy.turns import REQUEST, TURNED_AWAY, Turns

COST, UNREAD = 0.0002, 0.00002
"""Seconds of a request, and of turning one away unread; one that is read for it costs a fifth."""
TURN = 32


@dataclass
class Loop:
    """A process that can do 5,000 requests a second, and turns away unread whatever it can."""

    overload: Overload = field(default_factory=Overload)
    now: float = 50.0
    waits: list[float] = field(default_factory=list)
    """Of those that got in, within the last run."""
    admitted: dict[Priority, int] = field(default_factory=lambda: dict.fromkeys(Priority, 0))
    came: dict[Priority, int] = field(default_factory=lambda: dict.fromkeys(Priority, 0))
    cost: float = COST

    def __post_init__(self) -> None:
        self.turns = Turns(lambda: self.now)
        self.turns.patience = lambda: self.overload.patience if self.overload.state is State.SHEDDING else math.inf
        self.turns._renewing = True  # no event loop: `run` is one

    def run(self, seconds: float, rate: float, *mix: Priority, cost: float = COST, stolen: float = 0.0) -> None:
        """Requests come evenly, in turn of each priority. `stolen`: seconds of every half that others have the core."""
        until, number = self.now + seconds, 0
        next_at, look_at, steal_at = self.now, self.now, self.now + 0.5
        self.cost, self.waits = cost, []
        self.admitted, self.came = dict.fromkeys(Priority, 0), dict.fromkeys(Priority, 0)
        waiting = False
        while self.now < until:
            if self.now >= steal_at:
                self.now, steal_at = self.now + stolen, self.now + 0.5
            ready = self.now  # what comes while these are read is read in the next turn
            while next_at <= ready:
                priority = mix[number % len(mix)]
                self.came[priority] += 1
                if self.turns.full and self.overload.turns_away(priority):
                    self.now += UNREAD
                else:
                    self.turns.wait(Client(self, next_at, priority))
                    waiting = True
                next_at += 1 / rate
                number += 1
            if self.now >= look_at:
                self.overload.waited(max(self.now - look_at, self.turns.waited), self.now)
                look_at = self.now + 0.002
            if not waiting:
                self.now = max(self.now + 1e-4, min(next_at, look_at))
            waiting = self.turns.turn()


@dataclass
class Client:
    """One that came at a moment."""

    loop: Loop
    at: float
    priority: Priority

    def take_turn(self, late: bool) -> None:
        loop, overload = self.loop, self.loop.overload
        if late and overload.turns_away(self.priority):
            loop.now += UNREAD
            loop.turns.left += REQUEST - TURNED_AWAY
        elif overload.state is State.CALM or overload.admits(self.priority, late=late):
            loop.admitted[self.priority] += 1
            loop.now += loop.cost
            loop.waits.append(loop.now - self.at)
        else:
            loop.now += loop.cost / 5


def p99(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.99)]


def test_a_process_that_keeps_up_never_sheds() -> None:
    loop = Loop()
    loop.run(3, 4500, Priority.LOW)
    assert loop.overload.state is State.CALM
    assert sum(loop.overload.shed.values()) + loop.overload.unread == 0


@pytest.mark.parametrize("load", [1.5, 3.0])
def test_beyond_what_can_be_done_those_who_get_in_wait_shortly_and_nothing_is_wasted(load: float) -> None:
    loop = Loop()
    loop.overload.use([Priority.NORMAL])
    rate = load / COST
    loop.run(1, rate, Priority.NORMAL)
    loop.run(2, rate, Priority.NORMAL)
    assert loop.overload.state is State.SHEDDING
    assert p99(loop.waits) <= ENTER + TURN * COST
    assert sorted(loop.waits)[len(loop.waits) // 2] < ENTER * 0.75, "they wait half as long as they may"
    # what is left beside those that are turned away: a COST + (rate - a) UNREAD = 1
    possible = (1 - rate * UNREAD) / (COST - UNREAD)
    assert loop.admitted[Priority.NORMAL] / 2 > 0.97 * possible


def test_a_core_that_others_take_now_and_then_costs_what_they_take() -> None:
    loop = Loop()
    loop.overload.use([Priority.NORMAL])
    loop.run(1, 10_000, Priority.NORMAL, stolen=0.05)
    loop.run(2, 10_000, Priority.NORMAL, stolen=0.05)
    assert loop.admitted[Priority.NORMAL] / 2 > 0.95 * 0.9 * (1 - 10_000 * UNREAD) / (COST - UNREAD)
    assert p99(loop.waits) < 0.05 + ENTER


def test_without_it_the_queue_would_grow_without_end() -> None:
    loop = Loop(Overload(enter=1e9))
    loop.run(2, 10_000, Priority.NORMAL)
    assert loop.waits[-1] > 0.9


def test_the_lowest_priority_is_shed_first() -> None:
    loop = Loop()
    mix = (Priority.LOW, Priority.NORMAL, Priority.NORMAL, Priority.HIGH)
    loop.run(3, 7500, *mix)
    loop.run(3, 7500, *mix)
    passed = {priority: loop.admitted[priority] / loop.came[priority] for priority in Priority}
    assert passed[Priority.HIGH] > 0.97
    assert passed[Priority.LOW] < passed[Priority.NORMAL] < passed[Priority.HIGH]
    assert passed[Priority.LOW] < 0.2
    assert passed[Priority.NORMAL] > 0.5


def test_it_ends_when_the_load_does_and_does_not_flutter() -> None:
    loop = Loop()
    loop.run(2, 10_000, Priority.NORMAL, Priority.LOW)
    loop.run(8, 2500, Priority.NORMAL, Priority.LOW)
    assert loop.overload.state is State.CALM
    shed = sum(loop.overload.shed.values())
    loop.run(2, 4500, Priority.NORMAL, Priority.LOW)
    assert sum(loop.overload.shed.values()) == shed


def test_it_follows_at_once_when_the_process_gets_slower() -> None:
    loop = Loop()
    loop.run(1, 10_000, Priority.NORMAL)
    loop.run(1, 10_000, Priority.NORMAL, cost=0.0004)
    assert p99(loop.waits) < ENTER + TURN * 0.0004


def look(overload: Overload, now: float, *delays: float) -> float:
    for delay in delays:
        now += INTERVAL * 1.001
        overload.waited(delay, now)
    return now


def shedding(*used: Priority) -> tuple[Overload, float]:
    overload = Overload()
    overload.use(used or tuple(Priority))
    now = look(overload, 10.0, 1.0, 1.0)
    assert overload.state is State.SHEDDING
    return overload, now


def test_few_requests_are_not_shed_however_late_the_loop_is() -> None:
    """Whatever makes it late, it is not they: no queue of theirs stands."""
    overload, now = shedding()
    for _ in range(50):
        assert all(overload.admits(Priority.LOW) for _ in range(15))
        now = look(overload, now, 1.0)
    assert overload.state is State.SHEDDING


def test_one_long_pause_is_no_queue() -> None:
    overload = Overload()
    now = look(overload, 10.0, 0.5, 0.0)
    assert overload.state is State.CALM
    look(overload, now, 0.5, 0.5)
    assert overload.state is State.SHEDDING


def test_a_few_long_waits_in_an_interval_are_no_queue() -> None:
    overload = Overload()
    now = 10.0
    for _ in range(50):
        for delay in (0.3, 0.0, 0.0, 0.0):
            now += INTERVAL / 4 * 1.001
            overload.waited(delay, now)
    assert overload.state is State.CALM


def test_nobody_is_shed_before_a_queue_stood_twice_and_it_stays_for_a_while() -> None:
    overload = Overload()
    now = look(overload, 10.0, 0.0, ENTER * 2)
    assert overload.state is State.WATCHING
    assert all(overload.admits(Priority.LOW, late=True) for _ in range(1000))
    now = look(overload, now, ENTER * 2)
    assert overload.state is State.SHEDDING
    now = look(overload, now, *[0.0] * (CALM - 1))
    assert overload.state is State.SHEDDING
    look(overload, now, 0.0)
    assert overload.state is State.CALM


def test_it_stays_as_long_as_anybody_is_shed() -> None:
    overload, now = shedding()
    for _ in range(CALM * 3):
        assert overload.turns_away(Priority.LOW)
        now = look(overload, now, 0.0)
        assert overload.state is State.SHEDDING


def test_more_of_the_lowest_are_turned_away_until_the_others_fit_and_fewer_again() -> None:
    overload, now = shedding()
    for number in range(1, 11):
        overload.turns_away(Priority.NORMAL)
        now = look(overload, now, 0.0)
        assert overload.level == pytest.approx(number * MORE)
    assert not any(overload.admits(Priority.LOW) for _ in range(100))
    assert all(overload.admits(Priority.NORMAL) for _ in range(100))
    now = look(overload, now, *[0.0] * 4)
    assert overload.level == pytest.approx(1 - 4 * LESS)
    assert sum(overload.admits(Priority.LOW) for _ in range(100)) == pytest.approx(100 * 4 * LESS, abs=1)


@given(
    rounds=st.integers(0, 30),
    asks=st.lists(st.sampled_from(list(Priority)), max_size=10),
    used=st.sets(st.sampled_from(list(Priority)), min_size=1),
)
@settings(max_examples=100, deadline=None)
def test_whatever_happens_the_highest_gets_in_and_a_higher_priority_never_fares_worse(
    rounds: int, asks: list[Priority], used: set[Priority]
) -> None:
    overload, now = shedding(*used)
    for _ in range(rounds):
        overload.turns_away(Priority.LOW)
        now = look(overload, now, 1.0)
    for priority in asks:
        overload.admits(priority)
    there = [priority for priority in Priority if priority in used]
    passed = [sum(overload.admits(priority) for _ in range(200)) for priority in there]
    assert all(lower <= higher + 1 for lower, higher in pairwise(passed))
    assert passed[-1] == 200


def test_the_highest_is_never_late() -> None:
    overload, _ = shedding()
    assert overload.admits(Priority.HIGH, late=True)
    assert not overload.turns_away(Priority.HIGH)
    assert not overload.turns_away(None), "nobody knows what it is"
    assert (overload.unread, overload.shed[Priority.HIGH]) == (0, 0)
    assert not overload.admits(Priority.NORMAL, late=True)
    assert overload.turns_away(Priority.NORMAL)


def test_who_is_late_and_yet_finds_time_to_sleep_sheds_nothing() -> None:
    overload, now = Overload(), 10.0
    for _ in range(50):
        now += INTERVAL * 1.001
        overload.waited(1.0, now, lambda _: 0.8)
        assert overload.state is State.CALM
    for _ in range(2):
        now += INTERVAL * 1.001
        overload.waited(1.0, now, lambda _: 1.0)
    assert overload.state is State.SHEDDING
