"""The pure rules of reservation: deciding, the shares of workers, the pace, slots."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upstreams.reservation.deciding import Decision, Places, Shares, Wish, decide
from upstreams.reservation.leases import share
from upstreams.reservation.life import NEXT, NotInThatState, step
from upstreams.reservation.offers import Plan
from upstreams.reservation.pace import RAISED_RISK, REDUCED, TRUSTED, UNKNOWN_DEVICE, pace_of
from upstreams.reservation.queue import turn
from upstreams.reservation.request import Reservable
from upstreams.trade.allocation import Line, Refusal, Shelf, Window, basket_of
from upstreams.trade.money import Money

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PEOPLE = [UUID(int=number) for number in range(3)]
SEATS = ("A1", "A2", "A3", "B1")


def window(start: int, hours: int) -> Window:
    return Window(NOON + timedelta(hours=start), NOON + timedelta(hours=start + hours))


counted = st.builds(Line, st.sampled_from(("TEA", "CUP", "NONE")), st.integers(1, 4))
seated = st.integers(1, 3).map(lambda count: Line("SHOW", count)) | st.lists(
    st.sampled_from(SEATS), min_size=1, max_size=3, unique=True
).map(lambda labels: Line("SHOW", len(labels), tuple(labels)))
rooms = st.builds(
    lambda start, hours: Line("ROOM", hours, (), window(start, hours)), st.integers(0, 6), st.integers(1, 3)
)
baskets = st.lists(counted | seated | rooms, min_size=1, max_size=3, unique_by=lambda line: line.sku)
wishes = st.lists(st.tuples(baskets, st.sampled_from(PEOPLE)), max_size=14).map(
    lambda asked: [Wish(basket_of(UUID(int=n + 100), lines), person) for n, (lines, person) in enumerate(asked)]
)
shelves = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(
    lambda left: [Shelf("CUP", "east", left[0]), Shelf("SHOW", "hall", len(SEATS)), Shelf("TEA", "east", left[1])]
)
limits = st.fixed_dictionaries({}, optional={"TEA": st.integers(1, 5), "ROOM": st.integers(1, 4)})


class Floor:
    """What is left after each decision, kept by hand: the batch of one."""

    def __init__(self, shown: list[Shelf], limits: dict[str, int]) -> None:
        self.shelves, self.limits = shown, limits
        self.seats: list[str] = list(SEATS)
        self.taken: list[Window] = []
        self.had: dict[tuple[UUID, str], int] = {}

    def one(self, wish: Wish) -> Decision:
        places = Places({"SHOW": self.seats}, {"ROOM": self.taken})
        decision = decide([wish], self.shelves, places, Shares(self.limits, self.had))[0]
        if decision.refusal is None:
            gone = {(one.sku, one.warehouse): one.quantity for one in decision.taken}
            self.shelves = [
                Shelf(s.sku, s.warehouse, s.available - gone.get((s.sku, s.warehouse), 0)) for s in self.shelves
            ]
            self.seats = [label for label in self.seats if ("SHOW", label) not in decision.seats]
            self.taken += [line.during for line in decision.booked if line.during]
            for line in wish.basket.lines:
                key = (wish.person, line.sku)
                self.had[key] = self.had.get(key, 0) + line.quantity
        return decision


@given(wishes, shelves, limits)
def test_a_batch_decides_as_its_requests_would_one_by_one(asked, shown, most):
    floor = Floor(shown, most)
    one_by_one = [floor.one(wish) for wish in asked]
    places = Places({"SHOW": SEATS}, {"ROOM": []})
    assert decide(asked, shown, places, Shares(most)) == one_by_one
    assert all(shelf.available >= 0 for shelf in floor.shelves)
    seats = [seat for one in one_by_one for seat in one.seats]
    assert len(seats) == len(set(seats))
    times = [line.during for one in one_by_one for line in one.booked]
    assert not any(a.meets(b) for n, a in enumerate(times) for b in times[n + 1 :])
    for (_, sku), count in floor.had.items():
        assert count <= most.get(sku, count)


@given(wishes, shelves)
def test_all_or_nothing(asked, shown):
    for wish, one in zip(asked, decide(asked, shown, Places({"SHOW": SEATS}, {"ROOM": []})), strict=True):
        got = {taken.sku: taken.quantity for taken in one.taken} | {line.sku: line.quantity for line in one.booked}
        assert got == ({} if one.refusal else {line.sku: line.quantity for line in wish.basket.lines})
        named = {(line.sku, label) for line in wish.basket.lines for label in line.seats}
        assert one.refusal or named <= set(one.seats)


def test_any_seat_is_the_best_that_is_free():
    asked = [
        Wish(basket_of(UUID(int=n), [line]), PEOPLE[0])
        for n, line in enumerate([Line("SHOW", 1, ("A2",)), Line("SHOW", 2), Line("SHOW", 1, ("A1",)), Line("SHOW", 2)])
    ]
    decided = decide(asked, [Shelf("SHOW", "hall", 4)], Places({"SHOW": SEATS}))
    assert [one.seats for one in decided] == [(("SHOW", "A2"),), (("SHOW", "A1"), ("SHOW", "A3")), (), ()]
    assert [one.refusal for one in decided[2:]] == [Refusal.TAKEN, Refusal.SOLD_OUT]


def test_one_that_ends_when_another_begins_is_no_conflict():
    first, second, third = (
        Wish(basket_of(UUID(int=n), [Line("ROOM", 2, (), window(start, 2))]), PEOPLE[0])
        for n, start in enumerate((0, 2, 1))
    )
    refusals = [one.refusal for one in decide([first, second, third], [], Places(taken={"ROOM": []}))]
    assert refusals == [None, None, Refusal.TAKEN]


@pytest.mark.parametrize(
    "lines",
    [
        [Line("SHOW", 2, ("A1",))],
        [Line("SHOW", 2, ("A1", "A1"))],
        [Line("SHOW", 1, ("A1",)), Line("SHOW", 1, ("A1",))],
        [Line("SHOW", 1, ("A1",)), Line("SHOW", 1)],
        [Line("ROOM", 1, (), window(0, 1)), Line("ROOM", 1, (), window(3, 1))],
    ],
)
def test_a_basket_that_makes_no_sense_is_not_made(lines):
    with pytest.raises(ValueError):
        basket_of(UUID(int=1), lines)


@given(st.sets(st.text(min_size=1, max_size=4), min_size=1, max_size=9), st.integers(1, 40))
def test_every_line_is_served_by_one_and_evenly(names, shards):
    shares = [share(name, list(names), shards) for name in names]
    assert sorted(shard for one in shares for shard in one) == list(range(shards))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert share("nobody", list(names), shards) == frozenset() or "nobody" in names


def test_the_less_is_known_of_who_asks_the_slower():
    assert pace_of("registered", "low", ()) == pace_of("registered", "", ()) == TRUSTED
    assert pace_of("unknown", "low", ()) == pace_of("", "", ()) == UNKNOWN_DEVICE
    assert pace_of("attested", "raised", ()) == pace_of("unknown", "raised", ()) == RAISED_RISK
    assert pace_of("attested", "high", ()) == pace_of("attested", "extreme", ()) == REDUCED
    assert pace_of("attested", "low", ("limit:100",)) == REDUCED
    slower = [TRUSTED, UNKNOWN_DEVICE, RAISED_RISK, REDUCED]
    assert sorted(slower, key=lambda pace: -pace.requests / pace.seconds) == slower
    assert TRUSTED.requests > UNKNOWN_DEVICE.requests > REDUCED.requests


def test_what_follows_from_a_state():
    assert step("PENDING", "CONFIRMED") == "CONFIRMED"
    for state, to in (("RELEASED", "CONFIRMED"), ("CANCELLED", "CANCELLED"), ("PENDING", "REFUNDED")):
        with pytest.raises(NotInThatState):
            step(state, to)
    assert {to for states in NEXT.values() for to in states} <= NEXT.keys()


def test_a_turn_begins_at_one():
    assert [turn(place, 5) for place in (4, 5, 9)] == [1, 1, 5]


def test_slots_follow_the_clocks_of_their_place():
    plan = Plan(date(2026, 3, 28), date(2026, 3, 30), {5, 6, 0}, [time(9), time(2, 30)], 60, "Europe/Berlin")
    starts = [one.start for one in plan.windows()]
    # on the 29th the clocks skip from 2 to 3
    assert [start.hour for start in starts] == [1, 8, 1, 7, 0, 7]
    assert all(one.end - one.start == timedelta(hours=1) for one in plan.windows())
    with pytest.raises(ValueError, match="at most"):
        list(Plan(date(2026, 1, 1), date(2030, 1, 1), {0}, [time(9)], 60, "UTC").windows())
    with pytest.raises(ValueError, match="begins"):
        list(Plan(date(2026, 1, 2), date(2026, 1, 1), {0}, [time(9)], 60, "UTC").windows())


def test_a_resource_is_had_by_its_unit():
    room = Reservable("ROOM", Money(1, "KRW"), 9, "resource", None, 60)
    assert room.fault(Line("ROOM", 2, (), window(0, 2))) is None
    assert room.fault(Line("ROOM", 1, (), window(0, 2))) is not None
    assert room.fault(Line("ROOM", 1)) is not None
    tea = Reservable("TEA", Money(1, "KRW"), 9)
    assert tea.fault(Line("TEA", 1, ("A1",))) is not None
    assert tea.fault(Line("TEA", 1, (), window(0, 1))) is not None
