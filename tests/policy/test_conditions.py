"""The condition language: what it reads, what it refuses, and that the unknown never helps."""

from __future__ import annotations

import pytest
from hypothesis import given
from msgspec.structs import replace

from policy.conditions import DEEPEST, WrongCondition, parse
from policy.context import Context
from tests.policy import strategies

KNOWN = Context(2, 1, 120.0, "KR", "office", 11, 1, 0, True, True, True, "ledger", "thumbprint", "till-7",
    "2026-12-24", holiday=False, working_day=True)  # fmt: skip
UNKNOWN = Context(None, 1, None, None, None, None, None, 0, None, None, None, "")


def grants(text: str, context: Context) -> bool:
    return parse(text).compile(restricts=False)(context)


def restricts(text: str, context: Context) -> bool:
    return parse(text).compile(restricts=True)(context)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("device >= registered", True),
        ("device >= attested", False),
        ("registered <= device", True),
        ("auth_age <= 120 and auth_age < 121", True),
        ("auth_age < 120", False),
        ('country in ["KR", "JP"]', True),
        ('country not in ("KR",)', False),
        ('not country == "KR"', False),
        ("9 <= hour < 12", True),
        ("not 9 <= hour < 12", False),
        ("not (hour < 9 or hour >= 12)", True),
        ("same_device and not (risk > 70)", True),
        ("weekday in [6, 7] or same_address", True),
        ('actor == "ledger"', True),
        ('actor in ["ledger", "mailer"] and actor != ""', True),
        ('not (actor == "")', True),
        ('actor == ""', False),
        ('client_certificate == "thumbprint" and client_certificate_name in ["till-7", "till-8"]', True),
        ('client_certificate != "thumbprint"', False),
        ('date >= "2026-12-24" and date < "2027-01-02"', True),
        ('"2026-12-24" < date', False),
        ('date in ["2026-12-24", "2026-12-25"]', True),
        ("working_day and not holiday", True),
    ],
)
def test_what_is_known_is_decided_alike_for_grants_and_restrictions(text: str, holds: bool) -> None:
    assert grants(text, KNOWN) is holds
    assert restricts(text, KNOWN) is holds


@pytest.mark.parametrize(
    "text",
    [
        "device >= known", "device < known", 'country != "KR"', 'country == "KR"', 'country not in ["KR"]',
        "not same_device", "same_device",
        'client_certificate == "thumbprint"', 'client_certificate != "thumbprint"',
        'client_certificate_name != "till-7"', 'date < "2026-12-24"', "holiday", "not holiday", "working_day",
        "auth_age <= 60", "auth_age > 60", "not (hour < 9)", 'not (network == "office" or same_address)',
    ],
)  # fmt: skip
def test_the_unknown_neither_grants_nor_escapes_a_restriction(text: str) -> None:
    assert not grants(text, UNKNOWN)
    assert restricts(text, UNKNOWN)


def test_that_nobody_acts_is_known() -> None:
    for decide in (grants, restricts):
        assert decide('actor == ""', UNKNOWN)
        assert not decide('actor == "ledger"', UNKNOWN)


def test_what_is_known_beside_the_unknown_still_counts() -> None:
    assert grants("device >= known or assurance >= 1", UNKNOWN)
    assert not restricts("device >= known and assurance >= 2", UNKNOWN)


@given(strategies.conditions)
def test_losing_a_fact_never_turns_a_refusal_into_a_grant(text: str) -> None:
    for name in (
        "device",
        "auth_age",
        "country",
        "network",
        "hour",
        "same_device",
        "client_certificate",
        "date",
        "holiday",
    ):
        less = replace(KNOWN, **{name: None})
        assert grants(text, KNOWN) or not grants(text, less)
        assert restricts(text, less) or not restricts(text, KNOWN)


@given(strategies.conditions)
def test_a_grant_and_its_negation_are_opposites_on_what_is_known(text: str) -> None:
    assert grants(text, KNOWN) is not grants(f"not ({text})", KNOWN)
    assert grants(text, UNKNOWN) is not restricts(f"not ({text})", UNKNOWN)


@pytest.mark.parametrize(
    "text",
    [
        "", "True", "1 == 1", "device", "colour == 1", "device >= 'registered'", 'country == 3', "country < 'KR'",
        "device >= True", "risk > 1.5", "device is 2", "same_device == True", 'country in "KR"', "country in []",
        'country == ""', 'date == "2026-02-30"', 'date == "20261224"', "date > 20261224", 'date == "2026-W52-4"',
        'country in ["KR", 3]', "risk > hour", "registered > known", "__import__('os')", "device.real > 1",
        "risk > (lambda: 1)()", "[x for x in [1]] == 1", "risk if risk else risk", "risk > 10 ** 10",
        "risk == 99999999999",
        "risk > 1; risk", "risk > 1 # comment", "risk >\n1", "ｒisk > 1", "risk > 1 if", 'country == "K.R"',
        'country == "a && b"', 'country == "r.ctx"', "country in [country]", "(" * 300 + "risk > 1" + ")" * 300,
        "risk > 1 or " * 200 + "risk > 2", "not " * 249 + "x", "risk > \0", "f'{risk}' == 'a'", "(risk := 3) > 1",
        "'KR' in country", "-risk > 1", "risk > -1", "eval('1')",
    ],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(WrongCondition):
        parse(text)


def test_what_nests_as_deep_as_allowed_compiles() -> None:
    text = "risk > 1"
    for level in range(DEEPEST):
        text = f"({text} {'and' if level % 2 else 'or'} hour > 1)"
    assert grants(text, KNOWN) in (True, False)
    with pytest.raises(WrongCondition, match="nests"):
        parse(f"({text} or (risk > 1 and (hour > 1 or risk > 3)))")
