"""The four answers, what leads to each, and that everything odd is denied."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from policy.artefact import RuleEffect, Zone
from policy.decide import decide
from policy.decision import Decision, Effect, StepUp
from policy.reasons import Reason
from policy.request import AccessRequest, DeviceTrust
from policy.snapshot import NONE, compile_policy
from tests.policy.samples import MONDAY_NOON, NOBODY, policy, request, rule
from tests.policy.strategies import policies, requests

DENY, REDUCE = RuleEffect.DENY, RuleEffect.REDUCE


def decided(asked: AccessRequest, *rules: Any, zone: Zone | None = None) -> Decision:
    return decide(asked, compile_policy(policy(*rules, zones=(zone or Zone("shop"),)), 7))


def outcome(decision: Decision) -> tuple[Effect, tuple[Reason, ...]]:
    return decision.effect, decision.reasons


def test_a_rule_that_allows_allows_and_says_so() -> None:
    decision = decided(request(), rule("a"))
    assert outcome(decision) == (Effect.ALLOW, (Reason.RULE_ALLOWS,))
    assert (decision.winner, decision.version, decision.risk) == ("a", 7, 0)


def test_without_a_rule_a_zone_or_a_policy_everything_is_denied() -> None:
    assert outcome(decided(request())) == (Effect.DENY, (Reason.NO_RULE,))
    assert outcome(decided(request(zone="elsewhere"), rule("a"))) == (Effect.DENY, (Reason.UNKNOWN_ZONE,))
    assert outcome(decide(request(), NONE)) == (Effect.DENY, (Reason.NO_POLICY,))


@pytest.mark.parametrize("at", [float("nan"), float("inf"), 1e300, -1e300])
def test_what_goes_wrong_is_denied(at: float) -> None:
    assert outcome(decided(request(at=at), rule("a"))) == (Effect.DENY, (Reason.EVALUATION_FAILED,))


def test_an_earlier_deny_wins_over_a_later_allow() -> None:
    decision = decided(request(), rule("b", priority=2), rule("a", priority=1, effect=DENY))
    assert (*outcome(decision), decision.winner) == (Effect.DENY, (Reason.RULE_DENIES,), "a")


def test_a_deny_whose_condition_cannot_be_told_denies() -> None:
    rules = rule("a", priority=1, effect=DENY, condition='country != "KR"'), rule("b")
    assert decided(request(country="KR"), *rules).effect is Effect.ALLOW
    assert decided(request(country=""), *rules).effect is Effect.DENY


def test_reductions_are_laid_on_what_is_allowed_and_grant_nothing() -> None:
    reduce = rule("r", priority=1, effect=REDUCE, condition="risk > 10", obligations=("mask:phone",))
    odd = request(device_trust=DeviceTrust.UNKNOWN)
    decision = decided(odd, reduce, rule("a", obligations=("mask:phone", "limit:10")))
    assert decision.obligations == ("mask:phone", "limit:10")
    assert outcome(decision) == (Effect.REDUCE, (Reason.RULE_ALLOWS, Reason.PRIVILEGES_REDUCED))
    assert decided(request(), reduce, rule("a")).effect is Effect.ALLOW
    assert outcome(decided(odd, reduce)) == (Effect.DENY, (Reason.NO_RULE,))


def test_read_only_lets_nothing_be_changed_and_grows_back_with_the_risk() -> None:
    rules = rule("r", priority=1, effect=REDUCE, condition="risk > 50", obligations=("read_only",)), rule("a")
    odd = {"device_id": "d-2", "network": "", "country": ""}
    assert decided(request("GET", **odd), *rules).effect is Effect.REDUCE
    assert outcome(decided(request("POST", **odd), *rules)) == (Effect.DENY, (Reason.PRIVILEGES_REDUCED,))
    assert decided(request("POST"), *rules).effect is Effect.ALLOW


def test_only_public_rules_let_nobody_in() -> None:
    public, own = rule("p", "/assets/*", role="anonymous"), rule("a")
    assert decided(request(path="/assets/x.css", subject=NOBODY), public, own).winner == "p"
    assert decided(request(path="/assets/x.css", roles=frozenset()), public, own).winner == "p"
    assert outcome(decided(request(subject=NOBODY), public, own)) == (Effect.DENY, (Reason.NOT_AUTHENTICATED,))
    assert outcome(decided(request(path="/x", subject=NOBODY), public)) == (Effect.DENY, (Reason.NO_RULE,))


def test_roles_without_a_person_count_for_nothing() -> None:
    forged = replace(NOBODY, roles=frozenset({"customer"}), assurance=2)
    assert decided(request(subject=forged), rule("a")).effect is Effect.DENY


def test_nobody_is_sent_to_sign_in_where_that_would_not_help() -> None:
    network = rule("d", priority=1, role="*", effect=DENY, condition='network != "office"')
    outside = request(subject=NOBODY, network="loopback")
    assert outcome(decided(outside, network, rule("a"))) == (Effect.DENY, (Reason.RULE_DENIES,))
    unsigned = rule("d", priority=1, role="*", effect=DENY, condition="assurance < 1")
    assert outcome(decided(outside, unsigned, rule("a"))) == (Effect.DENY, (Reason.NOT_AUTHENTICATED,))
    zone = Zone("shop", networks=("office",))
    assert outcome(decided(outside, rule("a"), zone=zone)) == (Effect.DENY, (Reason.NETWORK_NOT_ALLOWED,))


@pytest.mark.parametrize(
    ("changes", "condition", "zone", "step_up", "reasons"),
    [
        ({}, "assurance >= 2", Zone("shop"), StepUp(2), (Reason.ASSURANCE_TOO_LOW,)),
        ({}, "auth_age <= 60", Zone("shop"), StepUp(None, 60), (Reason.AUTHENTICATION_TOO_OLD,)),
        ({}, "auth_age < 60", Zone("shop"), StepUp(None, 59), (Reason.AUTHENTICATION_TOO_OLD,)),
        (
            {"authenticated_at": None},
            "auth_age <= 60",
            Zone("shop"),
            StepUp(None, 60),
            (Reason.AUTHENTICATION_TOO_OLD,),
        ),
        (
            {},
            "assurance >= 2 and auth_age <= 60",
            Zone("shop"),
            StepUp(2, 60),
            (Reason.ASSURANCE_TOO_LOW, Reason.AUTHENTICATION_TOO_OLD),
        ),
        ({}, "device >= attested", Zone("shop"), StepUp(None, None, 3), (Reason.DEVICE_TRUST_TOO_LOW,)),
        ({}, "", Zone("shop", assurance=2), StepUp(2), (Reason.ASSURANCE_TOO_LOW,)),
        ({}, "", Zone("shop", max_age=100), StepUp(None, 100), (Reason.AUTHENTICATION_TOO_OLD,)),
        (
            {"device_trust": DeviceTrust.UNKNOWN},
            "",
            Zone("shop", device=DeviceTrust.REGISTERED),
            StepUp(None, None, 2),
            (Reason.DEVICE_TRUST_TOO_LOW,),
        ),
        ({"device_id": "d-2"}, "", Zone("shop", step_up_risk=30), StepUp(2), (Reason.ASSURANCE_TOO_LOW,)),
    ],
)
def test_what_a_person_can_mend_is_a_step_up_that_asks_for_the_least(
    changes: dict[str, Any], condition: str, zone: Zone, step_up: StepUp, reasons: tuple[Reason, ...]
) -> None:
    decision = decided(request(**changes), rule("a", condition=condition), zone=zone)
    assert (decision.effect, decision.step_up, decision.reasons) == (Effect.STEP_UP, step_up, reasons)


@pytest.mark.parametrize(
    ("changes", "zone", "reason"),
    [
        ({}, Zone("shop", networks=("loopback",)), Reason.NETWORK_NOT_ALLOWED),
        ({"network": ""}, Zone("shop", networks=("office",)), Reason.NETWORK_NOT_ALLOWED),
        ({}, Zone("shop", countries=("JP",)), Reason.COUNTRY_NOT_ALLOWED),
        ({"country": ""}, Zone("shop", countries=("KR",)), Reason.COUNTRY_NOT_ALLOWED),
        ({}, Zone("shop", hours=(12, 18)), Reason.OUTSIDE_HOURS),
        ({}, Zone("shop", weekdays=(2, 3)), Reason.OUTSIDE_HOURS),
        ({"country": "JP", "address": "x"}, Zone("shop", max_risk=30), Reason.RISK_TOO_HIGH),
    ],
)
def test_what_a_person_cannot_mend_is_denied(changes: dict[str, Any], zone: Zone, reason: Reason) -> None:
    decision = decided(request(**changes), rule("a"), zone=zone)
    assert outcome(decision) == (Effect.DENY, (reason,))
    assert decision.winner == "a"


def test_a_step_up_is_not_offered_where_something_else_stands_in_the_way() -> None:
    zone = Zone("shop", assurance=2, networks=("loopback",))
    decision = decided(request(), rule("a"), zone=zone)
    assert outcome(decision) == (Effect.DENY, (Reason.ASSURANCE_TOO_LOW, Reason.NETWORK_NOT_ALLOWED))


def test_a_decision_stands_until_time_alone_could_change_it() -> None:
    assert decided(request(), rule("a")).stands_until == MONDAY_NOON + 600
    aging = decided(request(), rule("a", condition="auth_age <= 300"))
    assert aging.stands_until == MONDAY_NOON + 180
    assert decided(request(), rule("a"), zone=Zone("shop", max_age=240)).stands_until == MONDAY_NOON + 120


def test_a_clock_that_runs_ahead_a_little_is_borne_and_much_is_unknown() -> None:
    fresh = rule("a", condition="auth_age <= 60")
    assert decided(request(authenticated_at=MONDAY_NOON + 20), fresh).effect is Effect.ALLOW
    assert decided(request(authenticated_at=MONDAY_NOON + 3600), fresh).effect is Effect.STEP_UP


@given(policies(), requests)
def test_an_answer_stands_as_long_as_it_says(given_policy: Any, asked: AccessRequest) -> None:
    snapshot = compile_policy(given_policy, 1)
    decision = decide(asked, snapshot)
    later = decide(replace(asked, at=max(asked.at, decision.stands_until - 0.001)), snapshot)
    assert (later.effect, later.winner, later.reasons) == (decision.effect, decision.winner, decision.reasons)


@given(policies(), requests)
def test_a_step_up_keeps_what_it_promises(given_policy: Any, asked: AccessRequest) -> None:
    snapshot = compile_policy(given_policy, 1)
    decision = decide(asked, snapshot)
    assert Reason.EVALUATION_FAILED not in decision.reasons
    if decision.step_up is None:
        assert decision.effect is not Effect.STEP_UP
        return
    step, subject, facts = decision.step_up, asked.subject, asked.facts
    if step.assurance is not None:
        subject = replace(subject, assurance=step.assurance)
    if step.max_age is not None:
        subject = replace(subject, authenticated_at=asked.at - step.max_age)
    if step.device_trust is not None:
        facts = replace(facts, device_trust=DeviceTrust(step.device_trust))
    after = decide(replace(asked, subject=subject, facts=facts), snapshot)
    assert after.effect in (Effect.ALLOW, Effect.REDUCE)
