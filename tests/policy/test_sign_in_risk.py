"""The risk of sign-ins: what speaks for a person, what against, and that it learns in bounded memory."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.sign_in_risk.evaluation import evaluate
from policy.risk.sign_in.assessment import DIMENSIONS, Assessment, Attempt, assess
from policy.risk.sign_in.features import FEATURES, Seen, slot_of
from policy.risk.sign_in.half_space_trees import TREES, WINDOW, Forest
from policy.risk.sign_in.profile import REMEMBERED, VALUES, Population, Profile

DAY = 86400.0
FOREST = Forest.grown(DIMENSIONS, seed=1)


def seen(at: float = 0.0, **changed: str) -> Seen:
    home = Seen(at, "198.51.100.7", "Home Telecom", "KR", "phone", "Chrome · Android", "Chrome", "2")
    return home._replace(**changed)


def crowd() -> Population:
    """A thousand sign-ins of others: two providers, two browsers, one country but for a few."""
    population = Population()
    population.learn(
        Seen(
            0.0,
            f"10.0.{number % 250}.1",
            ("Home Telecom", "Mobile")[number % 2],
            "KR" if number % 20 else "US",
            f"device {number}",
            ("Chrome · Android", "Chrome · Windows", "Safari · iPhone")[number % 3],
            ("Chrome", "Chrome", "Safari")[number % 3],
            str(number % 6),
        )
        for number in range(1000)
    )
    return population


def risk(attempt: Seen, *, former: int = 30, failed: int = 0) -> Assessment:
    history = [seen(at=-number * DAY) for number in range(1, former + 1)]
    return assess(Attempt(attempt, failed), Profile(history), crowd(), FOREST)


def test_what_is_always_so_is_not_odd() -> None:
    assert risk(seen()).risk < 5


@pytest.mark.parametrize(
    ("odd", "because", "least"),
    [
        (
            {"country": "BR", "network": "Elsewhere", "subscriber": "203.0.113.9", "device": "", "label": "?"},
            "place",
            90,
        ),
        ({"country": "BR", "network": "Elsewhere", "subscriber": "203.0.113.9"}, "place", 30),
        ({"network": "Cafe", "subscriber": "203.0.113.9", "device": "", "label": "Opera · Linux"}, "device", 80),
    ],
)
def test_what_was_never_so_is(odd: dict[str, str], because: str, least: int) -> None:
    """The second is a cookie that was carried abroad: its device speaks for the person, and is not believed alone."""
    assessed = risk(seen(**odd))
    assert assessed.risk >= least
    assert because in dict(assessed.shares)


def test_a_new_address_of_the_same_provider_is_hardly_odd() -> None:
    assert risk(seen(subscriber="203.0.113.9")).risk < 15


def test_failed_attempts_before_it_speak_against_it() -> None:
    cafe = seen(network="Cafe", subscriber="203.0.113.9")
    assert risk(cafe, failed=6).risk > risk(cafe).risk
    assert "failed attempts" in dict(risk(cafe, failed=6).shares)


def test_another_country_within_the_hour_is_a_journey_unless_both_are_usual() -> None:
    abroad = seen(at=600 - DAY, country="US", network="Mobile")
    assert "journey" in dict(risk(abroad).shares)
    both = Profile([seen(at=-DAY), *(seen(at=-number * DAY, country="US") for number in range(2, 9))])
    assert "journey" not in dict(assess(Attempt(abroad), both, crowd(), FOREST).shares)


def test_a_newcomer_is_less_odd_than_somebody_with_habits() -> None:
    away = seen(country="US", network="Mobile", subscriber="203.0.113.9")
    assert risk(away, former=1).risk < risk(away, former=60).risk


words = st.sampled_from(["", "a", "b", "KR", "US"])


@given(
    st.builds(Seen, st.floats(0, 1e9), words, words, words, words, words, words, words),
    st.integers(0, 80),
    st.integers(0, 1000),
)
def test_a_risk_is_the_sum_of_its_shares(attempt: Seen, former: int, failed: int) -> None:
    assessed = risk(attempt, former=former, failed=failed)
    assert 0 <= assessed.risk <= 100
    assert sum(points for _, points in assessed.shares) in (0, assessed.risk)
    assert all(points > 0 for _, points in assessed.shares)


def test_whatever_comes_memory_is_bounded() -> None:
    population = Population()
    for batch in range(10):
        population.learn(seen(subscriber=f"{batch}-{number}") for number in range(VALUES))
    assert len(population.counts["subscriber"]) <= VALUES
    assert Profile([seen()] * 1000).sign_ins == REMEMBERED


def test_the_frequent_are_remembered_when_the_rare_are_forgotten() -> None:
    population = Population()
    population.learn([seen(subscriber="often")] * 10)
    population.learn(seen(subscriber=f"once {number}") for number in range(VALUES))
    assert population.share("subscriber", "often") > 2 * population.share("subscriber", "once 1")


def test_what_is_long_ago_counts_less() -> None:
    population = crowd()
    before = population.share("network", "Mobile")
    population.fade(0.1)
    population.learn([seen(network="New")] * 200)
    assert population.share("network", "Mobile") < before / 2


def test_a_forest_finds_lonely_points_odd_once_its_first_window_is_full() -> None:
    forest = Forest.grown(2, seed=3)
    assert forest.oddness((0.9, 0.1)) == 0
    for number in range(WINDOW):
        forest.learn((0.1 + number % 10 / 100, 0.8 + number % 7 / 100))
    assert forest.oddness((0.13, 0.82)) < 0.2
    assert forest.oddness((0.9, 0.1)) > 0.6
    assert Forest.grown(2, seed=3) == Forest.grown(2, seed=3) != Forest.grown(2, seed=4)
    assert len(forest.trees) == TREES


def test_a_forest_forgets_what_is_not_so_any_more() -> None:
    forest = Forest.grown(2, seed=3)
    for _ in range(WINDOW):
        forest.learn((0.1, 0.8))
    for _ in range(WINDOW):
        forest.learn((0.9, 0.1))
    assert forest.oddness((0.9, 0.1)) < forest.oddness((0.1, 0.8))


def test_slots_are_parts_of_the_week() -> None:
    assert slot_of(datetime(2026, 11, 27, 3, 59, tzinfo=UTC), UTC) == "0"
    assert slot_of(datetime(2026, 11, 28, 23, 0, tzinfo=UTC), UTC) == "w5"
    assert slot_of(datetime(2026, 11, 27, 15, 30, tzinfo=UTC), ZoneInfo("Asia/Seoul")) == "w0"
    assert all(abs(sum(level.share for level in feature.levels) - 1) < 1e-9 for feature in FEATURES)


def test_most_stolen_passwords_are_told_from_their_owners() -> None:
    """The same as `python -m benchmarks risk`, of fewer people: at one false alarm in a hundred sign-ins."""
    outcome = evaluate(people=120, seed=11)
    threshold = outcome.threshold(0.01)
    assert outcome.caught("another country", threshold) >= 0.95
    assert outcome.caught("stuffing", threshold) >= 0.95
    assert outcome.caught("same country", threshold) >= 0.8
    assert outcome.area("stolen cookie") > 0.9
