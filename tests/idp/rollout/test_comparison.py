"""A difference is said where people show it, nothing where they are too few, and "none" only of enough of them."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.rollout.comparison import LEAST_OF_PLATFORM, Person, compare
from tests.idp.rollout.values import NOW

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SMOOTH, MISSED, AWAY = Person(3, 0, 10.0), Person(1, 2, 12.0), Person(0, 0, None)


def compared(pilot: list[Person], control: list[Person], platforms: Any = ({}, {})) -> Any:
    return compare(pilot, control, platforms, control_is="rest_of_cohort", since=NOW, until=NOW, random=Random(1))


def test_people_are_counted_and_not_their_sign_ins() -> None:
    found = compared([SMOOTH, SMOOTH, MISSED, AWAY], [MISSED])
    assert (found.pilot.people, found.pilot.tried, found.pilot.smooth) == (4, 3, 2)
    assert (found.pilot.attempts, found.pilot.missed, found.pilot.median_seconds) == (9, 2, 10.0)
    assert (found.control.median_seconds, found.success, found.quickness) == (12.0, "too_few", "too_few")


def test_what_is_seen_is_said() -> None:
    better = compared([SMOOTH] * 90 + [MISSED] * 10, [SMOOTH] * 70 + [MISSED] * 30)
    assert (better.success, round(better.smooth.value, 2)) == ("better", 0.2)
    worse = compared([SMOOTH] * 70 + [MISSED] * 30, [SMOOTH] * 90 + [MISSED] * 10)
    assert worse.success == "worse"
    assert worse.smooth.high < 0
    assert worse.needed == 686


def test_no_difference_is_said_of_enough_people_alone() -> None:
    few = compared([SMOOTH] * 90 + [MISSED] * 10, [SMOOTH] * 90 + [MISSED] * 10)
    assert few.success == "too_few"
    many = compared([SMOOTH] * 900 + [MISSED] * 100, [SMOOTH] * 900 + [MISSED] * 100)
    assert many.success == "no_difference_seen"


def test_how_quickly() -> None:
    quick = [Person(1, 0, 4.0 + number % 5) for number in range(60)]
    slow = [Person(1, 0, 14.0 + number % 5) for number in range(60)]
    found = compared(quick, slow)
    assert (found.quickness, found.speed.value, found.longer) == ("better", -10.0, 0.0)
    assert found.speed.p < 0.001
    assert compared(slow, quick).quickness == "worse"
    assert compared(quick, quick).quickness == "no_difference_seen"
    assert compared(quick, slow) == found, "the same people give the same interval"


def test_a_platform_is_worse_where_chance_does_not_explain_it() -> None:
    pilot = {"Safari · iPhone": (100, 40), "Chrome · Windows": (100, 9), "Rare · Linux": (LEAST_OF_PLATFORM - 1, 9)}
    control = {
        "Safari · iPhone": (100, 10),
        "Chrome · Windows": (100, 10),
        "Rare · Linux": (50, 0),
        "Only · here": (5, 1),
    }
    found = {row.platform: row for row in compared([SMOOTH], [SMOOTH], (pilot, control)).platforms}
    assert {name for name, row in found.items() if row.worse} == {"Safari · iPhone"}
    assert found["Rare · Linux"].apart is None
    assert (found["Only · here"].tried, found["Only · here"].control_tried) == (0, 5)
    alone = compared([SMOOTH], [SMOOTH], ({"a": (40, 12)}, {"a": (40, 4)})).platforms[0]
    among = (
        {"a": (40, 12), **{f"b{n}": (40, 4) for n in range(9)}},
        dict.fromkeys(("a", *map("b{}".format, range(9))), (40, 4)),
    )
    of_many = next(row for row in compared([SMOOTH], [SMOOTH], among).platforms if row.platform == "a")
    assert alone.apart.high - alone.apart.low < of_many.apart.high - of_many.apart.low, "Bonferroni"


people = st.lists(st.builds(Person, st.integers(0, 4), st.integers(0, 3), st.none() | st.floats(0.1, 900)), max_size=60)


@given(people, people)
@UNHURRIED
def test_a_verdict_never_says_more_than_its_interval(pilot: list[Person], control: list[Person]) -> None:
    found = compared(pilot, control)
    if found.success in ("better", "worse"):
        assert found.smooth.p < 0.05
    if found.quickness == "worse":
        assert found.speed.low > 0
