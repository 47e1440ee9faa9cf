"""Nothing is taken from everybody by accident."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from policy import demo, guard
from policy.artefact import Policy, Rule, RuleEffect, Zone
from policy.lint import Fault
from policy.snapshot import compile_policy
from tests.policy.samples import rule

SHIPPED = demo.shipped_policy()


def having(*rules: Rule, without: str = "-", **fields: Any) -> Policy:
    kept = (each for each in SHIPPED.rules if each.zone != without)
    return msgspec.structs.replace(SHIPPED, rules=(*kept, *rules), **fields)


def lost(before: Policy, after: Policy, *named: str) -> list[Fault]:
    return [found.fault for found in guard.losses(before, after, compile_policy(after, 1), named=named)]


@pytest.mark.parametrize(
    "after",
    [
        having(without="shop"),
        having(rule("closed", role="*", priority=0, effect=RuleEffect.DENY)),
        having(
            rule("closed", role="anonymous", zone="*", priority=0, effect=RuleEffect.DENY, path="/**"), without="shop"
        ),
        having(zones=tuple(zone for zone in SHIPPED.zones if zone.name != "shop"), without="shop"),
        having(rule("shrink", effect=RuleEffect.REDUCE, obligations=("read_only",)), without="shop"),
    ],
)
def test_a_zone_without_a_rule_that_lets_somebody_in_is_shut(after: Policy) -> None:
    assert Fault.ZONE_SHUT in lost(SHIPPED, after, "reservation", "admin")
    assert lost(SHIPPED, after, "shop", "reservation", "admin") == []


@pytest.mark.parametrize(
    "after",
    [
        SHIPPED,
        having(rule("one", "/one"), without="shop"),
        having(rule("one", "/one", zone="*"), without="shop"),
        having(rule("closed", role="vendor", priority=0, effect=RuleEffect.DENY)),
        having(rule("closed", role="*", priority=0, effect=RuleEffect.DENY, condition="risk > 50")),
    ],
)
def test_a_zone_that_lets_somebody_in_is_not_shut(after: Policy) -> None:
    assert lost(SHIPPED, after) == []


def test_a_zone_that_was_never_open_is_not_asked_about() -> None:
    assert lost(having(zones=(*SHIPPED.zones, Zone("new"))), SHIPPED) == []


PIPELINE = rule("pipeline", "/api/policy/**", role="client:pipeline", zone="admin")


def programs(*rules: Rule) -> Policy:
    roles = (*SHIPPED.roles, "client:pipeline", "client:other")
    return having(*rules, roles=roles)


@pytest.mark.parametrize(
    "after",
    [
        SHIPPED,
        programs(msgspec.structs.replace(PIPELINE, methods=("GET",))),
        programs(msgspec.structs.replace(PIPELINE, role="client:other", path="/elsewhere")),
        programs(PIPELINE, rule("stop", role="client:pipeline", zone="admin", priority=0, effect=RuleEffect.DENY)),
    ],
)
def test_the_last_program_that_publishes_is_not_shut_out_unnamed(after: Policy) -> None:
    assert lost(programs(PIPELINE), after) == [Fault.PROGRAMS_SHUT_OUT]
    assert lost(programs(PIPELINE), after, "client:other") == [Fault.PROGRAMS_SHUT_OUT]
    assert lost(programs(PIPELINE), after, "client:pipeline") == []


def test_one_program_for_another_is_no_loss() -> None:
    assert lost(programs(PIPELINE), programs(msgspec.structs.replace(PIPELINE, role="client:other"))) == []
    assert lost(SHIPPED, SHIPPED) == []
