"""A contradiction is found, and nothing that may hold is called one."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings

from policy import conditions, satisfiable
from policy.artefact import RuleEffect, Zone
from policy.context import Context
from policy.demands import lets_in
from policy.request import DeviceTrust
from tests.policy.samples import rule
from tests.policy.strategies import conditions as any_condition


def holds(*texts: str) -> bool:
    return satisfiable.satisfiable(*(conditions.parse(each).expression for each in texts))


@pytest.mark.parametrize(
    "text",
    [
        "risk > 100",
        "risk < 0",
        "hour >= 9 and hour < 9",
        "hour == 24",
        "weekday == 0",
        "assurance > 3",
        "device > attested",
        'country == "KR" and country == "JP"',
        'country in ["KR", "JP"] and country not in ["JP", "KR", "US"]',
        "same_device and not same_device",
        "auth_age < 0",
        "auth_age > 60 and auth_age < 60",
        "(risk < 10 or hour < 3) and risk > 20 and hour > 5",
        "not (risk < 50 or risk >= 50)",
        'date > "2026-12-24" and date < "2026-12-24"',
    ],
)
def test_contradictions(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "risk >= 100",
        "hour >= 9 and hour <= 9",
        "auth_age > 60 and auth_age < 61",
        'country != "KR" and country != "JP"',
        "(risk < 10 or hour < 3) and risk > 20",
        "same_device or not same_device",
        'actor == ""',
        "device >= attested",
        'date > "2026-12-24" and date < "2026-12-26"',
        'date < "2026-12-24"',
    ],
)
def test_what_may_hold(text: str) -> None:
    assert holds(text)


def test_together() -> None:
    assert holds("risk > 10", "risk < 12")
    assert not holds("risk > 10", "risk < 11")


def test_a_tangle_is_given_up_and_counts_as_possible() -> None:
    """It holds never, but nobody would live to see that said."""
    clauses = [f"(hour < {n} or risk < {n})" for n in range(3, 23)]
    assert holds(" and ".join([*clauses, "weekday == 0"]))
    assert not holds(" and ".join([*clauses[:5], "weekday == 0"]))


_WORLD = [
    Context(device, assurance, age, country, network, hour, weekday, risk, same, same, same, "")
    for device, assurance, age, country, network, hour, weekday, risk, same in product(
        (1, 2, 3),
        (0, 1, 2),
        (0.0, 100.0, 5000.0),
        ("KR", "JP"),
        ("office",),
        (3, 12),
        (1, 6),
        (0, 40, 100),
        (True, False),
    )
]


@settings(max_examples=200, deadline=None)
@given(any_condition)
def test_what_holds_for_some_facts_is_never_called_a_contradiction(text: str) -> None:
    condition = conditions.parse(text)
    certainly = condition.compile(restricts=False)
    if any(certainly(context) for context in _WORLD):
        assert satisfiable.satisfiable(condition.expression)


@pytest.mark.parametrize(
    ("zone", "fields", "passes"),
    [
        ({"max_risk": 50}, {"condition": "risk > 50"}, False),
        ({"max_risk": 50}, {"condition": "risk >= 50"}, True),
        ({"max_risk": 50}, {"condition": "risk > 50", "effect": RuleEffect.DENY}, True),
        ({"assurance": 2}, {"condition": "assurance == 1"}, False),
        ({"assurance": 2}, {"condition": "assurance == 1", "role": "anonymous"}, True),
        ({"assurance": 2}, {"condition": "assurance == 1", "role": "client:x"}, True),
        ({"device": DeviceTrust.REGISTERED}, {"condition": "device == known"}, False),
        ({"max_age": 60}, {"condition": "auth_age > 60"}, False),
        ({"networks": ("office",)}, {"condition": 'network == "home"'}, False),
        ({"networks": ("office",)}, {"condition": 'network != "office"', "role": "anonymous"}, False),
        ({"countries": ("KR",)}, {"condition": 'country in ["KR", "JP"]'}, True),
        ({"weekdays": (1, 2)}, {"condition": "weekday > 5"}, False),
        ({"hours": (9, 18)}, {"condition": "hour >= 18"}, False),
        ({"hours": (22, 6)}, {"condition": "hour == 23"}, True),
    ],
)
def test_what_a_zone_lets_in(zone: dict[str, Any], fields: dict[str, Any], passes: bool) -> None:
    assert lets_in(Zone("shop", **zone), rule("a", **fields)) is passes
