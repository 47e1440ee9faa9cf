"""When a process sheds, how much, and whom: the pure rules, against a simulated event loop."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.limits.overload import AT_ONCE, CALM, ENTER, INTERVAL, LEAST, LEAST_AT_ONCE, Overload, Priority, State


@dataclass
class Loop:
    """A process that can do 5,000 requests a second (shedding one costs a fifth), one after the other."""

    overload: Overload = field(default_factory=Overload)
    now: float = 50.0
    queue: list[tuple[float, Priority]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    """Of those that got in, within the last run."""
    admitted: dict[Priority, int] = field(default_factory=lambda: dict.fromkeys(Priority, 0))
    came: int = 0

    def run(self, seconds: float, rate: float, *mix: Priority, cost: float = 0.0002) -> None:
        """Requests come evenly, in turn of each priority."""
        until, number = self.now + seconds, 0
        next_at, look_at = self.now, self.now
        self.waits, self.admitted = [], dict.fromkeys(Priority, 0)
        while self.now < until:
            while next_at <= self.now:
                self.queue.append((next_at, mix[number % len(mix)]))
                next_at += 1 / rate
                number += 1
            if self.now >= look_at:
                self.overload.waited(self.now - look_at, self.now)
                look_at = self.now + 0.01
            turn, self.queue = self.queue, []
            for at, priority in turn:  # what is ready at once is done in one turn of the loop
                if self.overload.state is State.CALM or self.overload.admits(priority, self.now):
                    self.admitted[priority] += 1
                    self.now += cost
                    self.waits.append(self.now - at)
                else:
                    self.now += cost / 5
            if not turn:
                self.now = min(next_at, look_at) if min(next_at, look_at) > self.now else self.now + 1e-4


def p99(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.99)]


def test_a_process_that_keeps_up_never_sheds() -> None:
    loop = Loop()
    loop.run(10, 4500, Priority.LOW)
    assert loop.overload.state is State.CALM
    assert sum(loop.overload.shed.values()) == 0


def test_at_twice_what_can_be_done_those_who_get_in_wait_shortly_and_many_do() -> None:
    loop = Loop()
    loop.run(5, 10_000, Priority.NORMAL)
    loop.run(10, 10_000, Priority.NORMAL)
    assert loop.overload.state is State.SHEDDING
    assert p99(loop.waits) < 0.05
    # what is left beside shedding: a + (10,000 - a) / 5 = 5,000
    assert 0.75 * 3750 < loop.admitted[Priority.NORMAL] / 10 <= 3800


def test_without_it_the_queue_would_grow_without_end() -> None:
    loop = Loop(Overload(enter=1e9))
    loop.run(5, 10_000, Priority.NORMAL)
    assert loop.waits[-1] > 2


def test_the_lowest_priority_is_shed_first() -> None:
    loop = Loop()
    mix = (Priority.LOW, Priority.NORMAL, Priority.NORMAL, Priority.HIGH)
    loop.run(5, 7500, *mix)
    loop.run(10, 7500, *mix)
    came = {Priority.LOW: 18_750, Priority.NORMAL: 37_500, Priority.HIGH: 18_750}
    passed = {priority: loop.admitted[priority] / came[priority] for priority in came}
    assert passed[Priority.HIGH] > 0.97
    assert passed[Priority.LOW] < passed[Priority.NORMAL] < passed[Priority.HIGH]
    assert passed[Priority.LOW] < 0.4


def test_it_ends_when_the_load_does_and_does_not_flutter() -> None:
    loop = Loop()
    loop.run(5, 10_000, Priority.NORMAL)
    loop.run(15, 2500, Priority.NORMAL)
    assert loop.overload.state is State.CALM
    shed = sum(loop.overload.shed.values())
    loop.run(5, 4500, Priority.NORMAL)
    assert sum(loop.overload.shed.values()) == shed


def test_it_follows_when_the_process_gets_slower() -> None:
    loop = Loop()
    loop.run(5, 10_000, Priority.NORMAL)
    loop.run(3, 10_000, Priority.NORMAL, cost=0.0004)
    loop.run(10, 10_000, Priority.NORMAL, cost=0.0004)
    assert p99(loop.waits) < 0.2


def look(overload: Overload, now: float, *delays: float) -> float:
    for delay in delays:
        now += INTERVAL * 1.001
        overload.waited(delay, now)
    return now


def test_few_requests_are_not_shed_however_late_the_loop_is() -> None:
    """Whatever makes it late, it is not they."""
    overload = Overload()
    now = look(overload, 10.0, 1.0, 1.0, 1.0)
    for _ in range(50):
        for _ in range(15):
            now += 0.1 / 15
            assert overload.admits(Priority.NORMAL, now)
        overload.waited(1.0, now + 0.0001)
    assert overload.state is State.SHEDDING


def test_it_returns_quickly_to_what_was_possible_and_feels_its_way_from_there() -> None:
    overload = Overload()
    now = look(overload, 10.0, 1.0)
    for _ in range(1000):
        overload.admits(Priority.HIGH, now)
    now = look(overload, now, 1.0, *[1.0] * 20)
    assert overload.rate == LEAST
    rates = []
    for _ in range(60):
        while overload.admits(Priority.LOW, now):
            pass
        now = look(overload, now, 0.0)
        rates.append(overload.rate)
    assert rates[20] > 2000
    assert rates[-1] == pytest.approx(rates[-2] * 1.03)
    assert rates[-1] > 8000


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


def test_it_begins_at_the_pace_that_was_possible_and_stays_for_a_while() -> None:
    overload = Overload()
    now = look(overload, 10.0, 0.0, ENTER * 2)
    assert overload.state is State.COUNTING
    assert all(overload.admits(Priority.LOW, now) for _ in range(1000)), "nobody is shed yet"
    now = look(overload, now, ENTER * 2)
    assert overload.rate == pytest.approx(0.8 * 1000 / INTERVAL, rel=0.01)
    now = look(overload, now, *[0.0] * (CALM - 1))
    assert overload.state is State.SHEDDING
    look(overload, now, 0.0)
    assert overload.state is State.CALM


def test_it_stays_as_long_as_anybody_is_shed() -> None:
    overload = Overload()
    now = look(overload, 10.0, *[1.0] * 10)
    for _ in range(CALM * 3):
        while overload.admits(Priority.LOW, now):
            pass
        now = look(overload, now, 0.0)
        assert overload.state is State.SHEDDING


@given(
    delays=st.lists(st.floats(0, 1), min_size=1, max_size=60),
    asks=st.lists(st.sampled_from(list(Priority)), max_size=60),
)
@settings(max_examples=200)
def test_whatever_happens_some_get_in_and_a_higher_priority_never_fares_worse(
    delays: list[float], asks: list[Priority]
) -> None:
    overload = Overload()
    now = look(overload, 10.0, 1.0, 1.0, *delays)
    for priority in asks:
        now += 0.001
        overload.admits(priority, now)
    assert overload.rate >= LEAST
    if overload.state is State.SHEDDING:
        now += 1.0
        tokens = overload._tokens, overload._filled_at
        answers = []
        for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH):
            overload._tokens, overload._filled_at = tokens
            answers.append(overload.admits(priority, now))
        assert answers == sorted(answers), "who is let in with a priority would be with any higher one"
        assert answers[-1]


def _shedding() -> tuple[Overload, float]:
    overload = Overload()
    now = look(overload, 10.0, 1.0)
    for _ in range(1000):
        overload.admits(Priority.HIGH, now)
    now = look(overload, now, 1.0)
    assert overload.state is State.SHEDDING
    return overload, now + 1


@pytest.mark.parametrize(
    ("used", "share"),
    [
        ((Priority.NORMAL,), 1.0),
        ((Priority.LOW,), 1.0),
        ((Priority.NORMAL, Priority.HIGH), 0.8),
        (tuple(Priority), 0.5),
    ],
)
def test_nothing_is_kept_back_for_priorities_that_no_route_has(used: tuple[Priority, ...], share: float) -> None:
    overload, now = _shedding()
    overload.use(used)
    at_once = max(LEAST_AT_ONCE, overload.rate * AT_ONCE)
    assert sum(overload.admits(used[0], now) for _ in range(10_000)) == pytest.approx(at_once * share, abs=1)


def test_it_is_full_when_not_even_the_highest_priority_gets_in() -> None:
    overload, now = _shedding()
    while overload.admits(Priority.HIGH, now):
        pass
    assert overload.is_full(now)
    assert overload.unread == 1
    assert not overload.is_full(now + 1), "the bucket fills again"


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
    former = overload.rate
    now += INTERVAL * 1.001
    overload.waited(1.0, now, lambda _: 0.8)
    assert overload.rate > former, "it was shed too much"
