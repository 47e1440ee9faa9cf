"""Rules that stand in each other's way: held against asking every request there can be."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy import overlap
from policy.artefact import Inheritance, Resource, Rule, RuleEffect, Zone
from policy.expand import Resources
from policy.judgement import judge, survey
from policy.overlap import conflicting, shadowed
from policy.request import DeviceTrust
from policy.roles import Hierarchy
from policy.snapshot import Snapshot, compile_policy
from tests.policy.samples import FACTS, NOBODY, SUBJECT, policy, request, rule

LINKS = (Inheritance("vendor", "customer"), Inheritance("support", "vendor", "org-1"))
HIERARCHY = Hierarchy(LINKS)
ORDERS = Resource("orders", "*", ("/a", "/a/b"))
RESOURCES = Resources((ORDERS,))
PATHS = ("/", "/a", "/a/", "/a/b", "/a/b/c", "/x/b", "/x")
ROLES = ("anonymous", "customer", "vendor", "support", "*")


def ids(*rules: Rule) -> dict[str, tuple[str, ...]]:
    return {late.id: deciders for late, deciders in shadowed(rules, HIERARCHY, RESOURCES)}


def deny(rule_id: str, path: str = "/**", **fields: Any) -> Rule:
    return rule(rule_id, path, effect=RuleEffect.DENY, priority=fields.pop("priority", 10), **fields)


@pytest.mark.parametrize(
    ("first", "late", "found"),
    [
        (deny("d"), rule("r", "/a/b"), True),
        (deny("d", "/a/*"), rule("r", "/a/b"), True),
        (deny("d", "/a/*"), rule("r", "/a"), False),
        (deny("d", "/a/*"), rule("r", "/a/**"), False),
        (deny("d", "/a/**"), rule("r", "/a/*"), True),
        (deny("d", "/:x"), rule("r", "/a"), True),
        (deny("d", "/a"), rule("r", "/:x"), False),
        (deny("d", "/:x/**"), rule("r", "/a/"), True),
        (deny("d", "/a/:x"), rule("r", "/a/"), False),
        (deny("d", role="*"), rule("r"), True),
        (deny("d", role="anonymous"), rule("r"), True),
        (deny("d", role="customer"), rule("r", role="vendor"), True),
        (deny("d", role="vendor"), rule("r", role="customer"), False),
        (deny("d", role="vendor"), rule("r", role="support"), False),
        (deny("d", role="vendor"), rule("r", role="support", organisation="org-1"), True),
        (deny("d", role="customer"), rule("r", role="*"), False),
        (deny("d", organisation="org-1"), rule("r"), False),
        (deny("d", zone="*"), rule("r"), True),
        (deny("d"), rule("r", zone="*"), False),
        (deny("d", methods=("GET",)), rule("r", methods=("GET", "POST")), False),
        (deny("d", methods=("GET", "POST")), rule("r", methods=("POST",)), True),
        (deny("d", methods=("GET", "POST")), rule("r"), False),
        (deny("d", condition="risk > 5"), rule("r"), False),
        (deny("d", condition="risk > 5"), rule("r", condition="risk > 5"), True),
        (rule("a", priority=1, condition="hour > 5"), deny("r", condition="hour > 5"), False),
        (deny("d", priority=200), rule("r"), False),
        (rule("m", priority=1, effect=RuleEffect.REDUCE, obligations=("read_only",)), rule("r"), False),
        (rule("a", "/**", priority=1), rule("r", "/a", effect=RuleEffect.REDUCE, obligations=("read_only",)), True),
        (rule("a", "/**", priority=1), rule("r", "/**"), True),
        (rule("a", "/**", priority=1), rule("r", "/a"), False),  # the same, more narrowly: nobody need be told
        (rule("a", "/**", priority=1), rule("r", "/a", obligations=("read_only",)), True),
        (deny("d", "/a/**"), rule("r", "@orders"), True),
        (deny("d", "/a"), rule("r", "@orders"), False),
        (deny("d", "@orders"), rule("r", "/a/b"), True),
        (deny("d", "@orders"), rule("r", "/a/c"), False),
        (deny("d", "@orders"), rule("r", "@orders"), True),
    ],
)
def test_what_always_decides_before(first: Rule, late: Rule, found: bool) -> None:
    assert ids(first, late).get(late.id) == ((first.id,) if found else None)


def test_several_may_decide_together() -> None:
    assert ids(deny("here", "/a"), deny("below", "/a/*"), rule("r", "/a/**")) == {"r": ("here", "below")}
    reads, writes = deny("reads", methods=("GET",)), deny("writes", methods=("POST",))
    assert ids(reads, writes, rule("r", methods=("GET", "POST"))) == {"r": ("reads", "writes")}


rules = st.lists(
    st.builds(
        lambda path, role, organisation, zone, methods, effect, condition, priority: {
            "path": path,
            "role": role,
            "organisation": organisation,
            "zone": zone,
            "methods": methods,
            "effect": effect,
            "condition": condition,
            "priority": priority,
        },
        st.sampled_from(
            ("/", "/a", "/a/", "/:x", "/a/b", "/:x/b", "/a/*", "/a/**", "/**", "/:x/*", "/:x/**", "@orders")
        ),
        st.sampled_from(ROLES),
        st.sampled_from(("*", "org-1")),
        st.sampled_from(("*", "shop")),
        st.sampled_from((("*",), ("GET",), ("GET", "POST"))),
        st.sampled_from((RuleEffect.ALLOW, RuleEffect.DENY)),
        st.sampled_from(("", "", "risk > 30", "hour < 12")),
        st.integers(1, 3),
    ),
    max_size=6,
)


def winners(snapshot: Snapshot) -> set[str]:
    """The rules that decide one of all the requests there are in this small world."""
    found = set()
    known = (FACTS, FACTS.__class__(device_trust=DeviceTrust.UNKNOWN, country="US"))
    for path, roles, organisation, method, facts, hours in product(
        PATHS, [(), *((role,) for role in ROLES[:4])], ("org-1", "org-2"), ("GET", "POST", "PUT"), known, (0, 6)
    ):
        subject = {"organisation": organisation, "roles": frozenset(roles)}
        asked = request(method, path, subject=SUBJECT if roles else NOBODY, facts=facts, **(subject if roles else {}))
        asked = asked.__class__(asked.subject, facts, "shop", method, path, asked.at + hours * 3600)
        situation = survey(asked, snapshot)
        winner = judge(situation.candidates, situation.zone, situation.context, method).winner
        found |= {winner.id} if winner is not None else set()
    return found


@settings(max_examples=60, deadline=None)
@given(rules)
def test_what_is_called_shadowed_never_decides(given_rules: list[dict[str, Any]]) -> None:
    made = tuple(Rule(id=f"r{index}", **fields) for index, fields in enumerate(given_rules))
    late = {found.id for found, _ in shadowed(made, HIERARCHY, RESOURCES)}
    written = policy(*made, zones=(Zone("shop"),), roles=ROLES[:4], inheritance=LINKS, resources=(ORDERS,))
    assert late & winners(compile_policy(written, 1)) == set()


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({}, {"path": "/a"}, True),
        ({"path": "/a"}, {}, True),
        ({}, {"path": "/a", "priority": 99}, False),
        ({}, {"effect": RuleEffect.ALLOW}, False),
        ({"condition": "risk <= 70"}, {"condition": "risk > 70"}, False),
        ({"condition": "risk <= 70"}, {"condition": "risk >= 70"}, True),
        ({"path": "/a"}, {"path": "/b"}, False),
        ({"role": "vendor"}, {"role": "customer"}, True),
        ({"methods": ("GET",)}, {"methods": ("POST",)}, False),
        ({"organisation": "org-1"}, {"organisation": "org-2"}, False),
    ],
)
def test_what_only_ids_decide_between(one: dict[str, Any], other: dict[str, Any], found: bool) -> None:
    first, second = rule("a", **one), rule("b", **{"effect": RuleEffect.DENY, **other})
    expected = [("a", "b")] if found else []
    assert [(x.id, y.id) for x, y in conflicting((first, second), HIERARCHY, RESOURCES)] == expected
    assert [(x.id, y.id) for x, y in conflicting((second, first), HIERARCHY, RESOURCES)] == expected


def test_the_work_grows_with_the_rules_and_not_with_their_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: also where all patterns cover one another, a rule meets no more than the bounds say."""

    def visited(many: int) -> int:
        looked = 0

        class Counting(overlap._Node):
            @property
            def any_segment(self) -> overlap._Node | None:
                nonlocal looked
                looked += 1
                return self._any

            @any_segment.setter
            def any_segment(self, node: overlap._Node | None) -> None:
                self._any = node

        monkeypatch.setattr(overlap, "_Node", Counting)
        made = [
            rule(f"r{index}", "/" + "/".join("abcdefgh"[bit] if index >> bit & 1 else ":x" for bit in range(8)))
            for index in range(many)
        ]
        list(shadowed(made, HIERARCHY, RESOURCES))
        return looked

    assert visited(256) < 2.5 * visited(128)
