"""The index finds what the plain meaning of patterns, methods and roles says, and nothing else."""

from __future__ import annotations

from datetime import date

import pytest
from casbin.util import key_match2
from hypothesis import given
from hypothesis import strategies as st

from policy import path_pattern
from policy.artefact import Inheritance, Organisation
from policy.casbin_model import ReferenceEnforcer
from policy.decide import decide
from policy.local_time import LocalTime, within
from policy.path_pattern import WrongPattern, matches
from policy.request import Subject
from policy.roles import DEEPEST, Hierarchy, WrongHierarchy
from policy.snapshot import KEPT_STANDINGS, compile_policy
from tests.policy.samples import MONDAY_NOON, policy, request, rule
from tests.policy.strategies import paths, patterns

CUSTOMER = frozenset({"customer"})


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("/products", "/products", True),
        ("/products", "/products/", False),
        ("/products/:id", "/products/7", True),
        ("/products/:id", "/products/", False),
        ("/products/:id", "/products/7/8", False),
        ("/products/*", "/products", False),
        ("/products/*", "/products/", True),
        ("/products/*", "/products/7/8", True),
        ("/products/**", "/products", True),
        ("/products/**", "/products/7/8", True),
        ("/products/**", "/productsx", False),
        ("/a.b", "/axb", False),
        ("/a", "/A", False),
        ("/a", "/a\n", False),
        ("/*", "*", False),
        ("/**", "", False),
    ],
)
def test_patterns(pattern: str, path: str, found: bool) -> None:
    snapshot = compile_policy(policy(rule("a", pattern)), 1)
    assert bool(snapshot.candidates(snapshot.standing("o", CUSTOMER), "shop", "GET", path)) is found
    if path.startswith("/"):
        assert matches(path, pattern) is found


@given(st.lists(patterns, min_size=1, max_size=12), paths)
def test_the_tree_agrees_with_the_plain_meaning(given_patterns: list[str], path: str) -> None:
    rules = [rule(f"r{index:02}", pattern) for index, pattern in enumerate(given_patterns)]
    snapshot = compile_policy(policy(*rules), 1)
    found = snapshot.candidates(snapshot.standing("o", CUSTOMER), "shop", "GET", path)
    assert [each.rule.id for each in found] == [each.id for each in rules if matches(path, each.path)]


@given(
    st.lists(st.sampled_from(["a", "bc", ":id"]), min_size=1, max_size=3),
    st.booleans(),
    st.lists(st.sampled_from(["a", "bc", "d"]), min_size=1, max_size=4),
)
def test_patterns_mean_what_casbins_key_match_2_makes_of_them(
    parts: list[str], below: bool, segments: list[str]
) -> None:
    pattern, path = "/" + "/".join([*parts, *(["*"] if below else [])]), "/" + "/".join(segments)
    assert matches(path, pattern) is key_match2(path, pattern)


@pytest.mark.parametrize(
    "pattern",
    ["", "a", "/a*", "/*/a", "/**/a", "/a//b", "/a/*/", "//", "//*", "/:", "/é", "/a b", "/" + "x" * 1000, "/a?b"],
)
def test_patterns_that_mean_nothing_are_refused(pattern: str) -> None:
    with pytest.raises(WrongPattern):
        path_pattern.parse(pattern)


def test_a_rule_for_any_method_stands_in_order_beside_those_for_one() -> None:
    rules = (
        rule("a", methods=("POST",)),
        rule("b"),
        rule("c", methods=("GET", "GET", "POST")),
        rule("d", methods=("*", "GET")),
    )
    snapshot = compile_policy(policy(*rules), 1)
    standing = snapshot.standing("o", CUSTOMER)
    assert [each.rule.id for each in snapshot.candidates(standing, "shop", "GET", "/")] == ["b", "c", "d"]
    assert [each.rule.id for each in snapshot.candidates(standing, "shop", "POST", "/")] == ["a", "b", "c", "d"]
    assert [each.rule.id for each in snapshot.candidates(standing, "shop", "PURGE", "/")] == ["b", "d"]


def test_roles_are_inherited_only_where_the_hierarchy_says_so() -> None:
    links = (Inheritance("vendor", "customer", "org-1"), Inheritance("support", "vendor"))
    snapshot = compile_policy(policy(rule("a"), inheritance=links), 1)
    for organisation, role, found in (
        ("org-1", "vendor", True),
        ("org-2", "vendor", False),
        ("org-1", "support", True),
        ("org-2", "support", False),
    ):
        standing = snapshot.standing(organisation, frozenset({role}))
        assert bool(snapshot.candidates(standing, "shop", "GET", "/")) is found


def test_a_circle_or_a_long_chain_of_roles_is_refused() -> None:
    with pytest.raises(WrongHierarchy, match="inherits itself"):
        Hierarchy([Inheritance("a", "b"), Inheritance("b", "a", "org-1")])
    Hierarchy([Inheritance("a", "b", "org-2"), Inheritance("b", "a", "org-1")])
    chain = [Inheritance(f"r{index}", f"r{index + 1}") for index in range(DEEPEST)]
    Hierarchy(chain)
    with pytest.raises(WrongHierarchy, match="steps"):
        Hierarchy([*chain, Inheritance(f"r{DEEPEST}", "last")])
    with pytest.raises(WrongHierarchy, match="steps"):
        Hierarchy([Inheritance(f"r{index}", f"r{index + 1}") for index in range(50_000)])


def test_a_chain_as_long_as_allowed_is_followed_by_casbin_too() -> None:
    chain = tuple(Inheritance(f"r{index}", f"r{index + 1}") for index in range(DEEPEST))
    deep = policy(rule("a", role=f"r{DEEPEST}"), inheritance=chain)
    snapshot = compile_policy(deep, 1)
    assert snapshot.candidates(snapshot.standing("o", frozenset({"r0"})), "shop", "GET", "/")
    assert ReferenceEnforcer(deep).enforce(Subject("u", "o", frozenset({"r0"})), "shop", "GET", "/", None) == (
        True,
        "a",
    )  # type: ignore[arg-type] # the rule has no condition


def test_sets_of_roles_that_come_from_outside_grow_nothing() -> None:
    snapshot = compile_policy(policy(rule("a")), 1)
    for index in range(KEPT_STANDINGS + 10):
        snapshot.standing(f"org-{index}", CUSTOMER)
    assert len(snapshot._standings) <= KEPT_STANDINGS


def test_a_long_or_strange_path_costs_no_more_than_the_deepest_pattern() -> None:
    snapshot = compile_policy(policy(rule("a", "/a/*"), rule("b", "/a/:id")), 1)
    standing = snapshot.standing("o", CUSTOMER)
    found = snapshot.candidates(standing, "shop", "GET", "/a" + "/x" * 100_000)
    assert [each.rule.id for each in found] == ["a"]


def test_local_time_follows_the_zone_and_its_changes() -> None:
    seoul, new_york = LocalTime("Asia/Seoul"), LocalTime("America/New_York")
    assert seoul.at(MONDAY_NOON)[2:4] == (11, 1)
    assert new_york.at(MONDAY_NOON)[2:4] == (21, 7)
    before = 1_772_953_199.0  # 2026-03-08 06:59:59 UTC: clocks go from 1:59:59 to 3:00
    assert [new_york.at(before + step)[2] for step in (0, 1)] == [1, 3]
    assert seoul.at(MONDAY_NOON)[0] <= MONDAY_NOON < seoul.at(MONDAY_NOON)[1]


def test_hours_may_go_over_midnight() -> None:
    assert [hour for hour in range(24) if within((22, 2), hour)] == [0, 1, 22, 23]
    assert [hour for hour in range(24) if within((9, 11), hour)] == [9, 10]
    assert sum(within((0, 24), hour) for hour in range(24)) == 24


def test_an_organisation_has_its_own_time_and_hours() -> None:
    own = Organisation("America/New_York", (0, 24))
    snapshot = compile_policy(policy(rule("a"), organisations={"org-us": own}), 1)
    assert snapshot.standing("org-us", CUSTOMER).clock.at(MONDAY_NOON)[2] == 21
    assert snapshot.standing("org-kr", CUSTOMER).clock.at(MONDAY_NOON)[2] == 11


def test_a_calendar_is_kept_where_the_organisation_works() -> None:
    clock = LocalTime("Asia/Seoul", working_days=(1, 2, 3, 4, 5), holidays=(date(2026, 1, 5),))
    just_before = MONDAY_NOON - 11 * 3600 - 50 * 60 - 1
    for moment, day, holiday, working_day in (
        (just_before, "2026-01-04", False, False),
        (just_before + 1, "2026-01-05", True, False),
        (just_before + 86_401, "2026-01-06", False, True),
    ):
        found = clock.at(moment)
        assert (found.date, found.holiday, found.working_day) == (day, holiday, working_day)


def test_each_organisation_keeps_its_own_calendar() -> None:
    working = rule("a", condition="working_day and not holiday")
    organisations = {"kr": Organisation(holidays=(date(2026, 1, 5),)), "il": Organisation(working_days=(7, 1, 2, 3, 4))}
    snapshot = compile_policy(policy(working, organisations=organisations), 1)
    for organisation, at, effect in (
        ("kr", MONDAY_NOON, "deny"),
        ("kr", MONDAY_NOON + 86_400, "allow"),
        ("il", MONDAY_NOON, "allow"),
        ("il", MONDAY_NOON - 86_400, "allow"),
        ("elsewhere", MONDAY_NOON - 86_400, "deny"),
    ):
        assert decide(request(at=at, organisation=organisation), snapshot).effect == effect
