"""What a policy is refused for, and what it is warned of."""

from __future__ import annotations

from typing import Any

import pytest

from policy import demo
from policy.artefact import (
    Inheritance,
    MadeUpRequest,
    Organisation,
    Policy,
    PolicyTest,
    Rule,
    RuleEffect,
    Zone,
)
from policy.decision import Effect
from policy.lint import MOST_WARNINGS, Fault, lint
from tests.policy.samples import rule

SHIPPED = demo.shipped_policy()


def changed(**fields: Any) -> Policy:
    given = {name: getattr(SHIPPED, name) for name in Policy.__struct_fields__}
    return Policy(**{**given, **fields})


def with_rules(*rules: Rule) -> Policy:
    return changed(rules=(*SHIPPED.rules, *rules))


def administrators(**fields: Any) -> Policy:
    """Only a rule for administrators, with these fields."""
    only = {"role": "administrator", "zone": "admin", **fields}
    return changed(rules=(rule("admin", "/api/policy/**", **only),))


def test_the_shipped_policy_has_no_fault() -> None:
    assert lint(SHIPPED) == ()


@pytest.mark.parametrize(
    ("wrong", "faults"),
    [
        (changed(rules=()), [Fault.EMPTY]),
        (changed(rules=(rule("a", effect=RuleEffect.DENY),)), [Fault.EMPTY]),
        (with_rules(rule("shop.read")), [Fault.DUPLICATE_ID]),
        (changed(zones=(*SHIPPED.zones, Zone("shop"))), [Fault.DUPLICATE_ZONE]),
        (with_rules(rule("a", zone="nowhere")), [Fault.UNKNOWN_ZONE]),
        (with_rules(rule("a", role="stranger")), [Fault.UNKNOWN_ROLE]),
        (changed(inheritance=(Inheritance("stranger", "customer"),)), [Fault.UNKNOWN_ROLE]),
        (with_rules(rule("a", "no-slash")), [Fault.WRONG_PATH]),
        (with_rules(rule("a", condition="colour == 1")), [Fault.WRONG_CONDITION]),
        (with_rules(rule("a", effect=RuleEffect.DENY, obligations=("read_only",))), [Fault.WRONG_OBLIGATION]),
        (with_rules(rule("a", effect=RuleEffect.REDUCE)), [Fault.WRONG_OBLIGATION]),
        (with_rules(rule("a", obligations=("limit:many",))), [Fault.WRONG_OBLIGATION]),
        (with_rules(rule("a", obligations=("limit:0",))), [Fault.WRONG_OBLIGATION]),
        (changed(inheritance=(Inheritance("customer", "customer"),)), [Fault.WRONG_HIERARCHY]),
        (changed(organisations={"*": Organisation("Mars/Olympus")}), [Fault.WRONG_TIME_ZONE]),
        (changed(organisations={"*": Organisation("../../etc/passwd")}), [Fault.WRONG_TIME_ZONE]),
        (administrators(methods=("GET",)), [Fault.ADMINISTRATOR_LOCKED_OUT]),
        (administrators(condition="risk > 100"), [Fault.ADMINISTRATOR_LOCKED_OUT]),
        (administrators(condition='network == "office"'), [Fault.ADMINISTRATOR_LOCKED_OUT]),
        (changed(zones=tuple(zone for zone in SHIPPED.zones if zone.name == "shop")), None),
        (
            with_rules(rule("a", role="*", zone="*", priority=0, effect=RuleEffect.DENY)),
            [Fault.ADMINISTRATOR_LOCKED_OUT],
        ),
    ],
)
def test_refused(wrong: Policy, faults: list[Fault] | None) -> None:
    found = lint(wrong)
    assert any(finding.refuses for finding in found)
    if faults is not None:
        assert [finding.fault for finding in found if finding.refuses] == faults


@pytest.mark.parametrize(
    "fields",
    [
        {"condition": "9 <= hour < 10 and weekday == 1"},
        {"condition": 'network == "private" and device >= attested and auth_age < 60'},
        {"organisation": "org-9"},
        {"role": "*"},
    ],
)
def test_an_administrator_who_gets_in_at_some_time_is_not_locked_out(fields: dict[str, Any]) -> None:
    assert not [finding for finding in lint(administrators(**fields)) if finding.refuses]


def test_a_public_rule_that_changes_something_is_a_warning() -> None:
    found = lint(with_rules(rule("open", "/feedback", role="anonymous", methods=("GET", "POST"))))
    assert [(finding.fault, finding.rule, finding.refuses) for finding in found] == [
        (Fault.PUBLIC_CHANGE, "open", False)
    ]
    limited = rule("open", "/feedback", role="anonymous", methods=("GET", "POST"), obligations=("limit:6",))
    assert lint(with_rules(limited)) == ()


def test_a_rule_that_can_never_win_is_a_warning() -> None:
    found = lint(with_rules(rule("zz.late", "/**", priority=999, methods=("GET",))))
    assert [(finding.fault, finding.rule, finding.refuses) for finding in found] == [(Fault.SHADOWED, "zz.late", False)]


def warned(*rules: Rule) -> list[tuple[Fault, str]]:
    return [(finding.fault, finding.rule) for finding in lint(with_rules(*rules)) if not finding.refuses]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"condition": "risk > 50 and risk < 20"}, Fault.NEVER_MATCHES),
        ({"condition": "risk > 95"}, Fault.UNREACHABLE),  # the zone lets in nobody with such a risk
        ({"path": "/a/../b"}, Fault.UNREACHABLE),
        ({"path": "/a;b"}, Fault.UNREACHABLE),
        ({"path": "/%61"}, Fault.UNREACHABLE),
        ({"path": "/%2F"}, Fault.UNREACHABLE),
        ({"path": "/%c3%a9"}, Fault.UNREACHABLE),
        ({"methods": ("TRACE",)}, Fault.UNREACHABLE),
        ({"path": "/%C3%A9/a%20b"}, None),
        ({"methods": ("TRACE", "PUT")}, None),
        ({"condition": "risk > 90"}, None),
    ],
)
def test_rules_that_come_to_nothing_are_warned_of(fields: dict[str, Any], fault: Fault | None) -> None:
    found = rule("odd", **{"path": "/odd", "methods": ("PUT",), "priority": 1, **fields})
    assert warned(found) == ([] if fault is None else [(fault, "odd")])


def test_rules_that_only_their_ids_decide_between_are_warned_of() -> None:
    one = rule("one", "/odd", methods=("PUT",), priority=1)
    other = rule("other", "/odd", methods=("PUT",), priority=1, effect=RuleEffect.DENY, condition="risk > 5")
    assert warned(one, other) == [(Fault.SHADOWED, "other"), (Fault.CONFLICTING, "other")]
    assert [finding.severity for finding in lint(with_rules(one, other))] == ["warning", "warning"]


def test_no_more_warnings_of_a_kind_are_told_than_anybody_reads() -> None:
    assert (
        len(warned(*(rule(f"r{index}", f"/odd/{index}", condition="risk > 100") for index in range(1200))))
        == MOST_WARNINGS
    )


def test_two_tests_of_one_name_are_refused() -> None:
    test = PolicyTest("one", MadeUpRequest(zone="shop", method="GET", path="/", at=0.0), Effect.DENY)
    assert [finding.fault for finding in lint(changed(tests=(test, test)))] == [Fault.DUPLICATE_TEST]


def test_whoever_may_publish_but_not_approve_is_locked_out() -> None:
    paths = ("/api/policy/drafts", "/api/policy/versions/:n/publish", "/api/policy/rollback")
    rules = [rule(f"a{index}", path, role="administrator", zone="admin") for index, path in enumerate(paths)]
    found = [finding.fault for finding in lint(changed(rules=tuple(rules))) if finding.refuses]
    assert found == [Fault.ADMINISTRATOR_LOCKED_OUT]
