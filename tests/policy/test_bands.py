"""Privileges shrink in bands of risk, at once, and grow back by themselves, later: they do not flap."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policy import artefact
from policy.artefact import Band, Policy, RuleEffect
from policy.decide import decide
from policy.decision import Decision, Effect, StepUp
from policy.local_time import QUARTER
from policy.reasons import Reason
from policy.recent_risk import LONGEST, MOST_PEAKS, STAY, Peaks, counts_until, recent, remembered
from policy.request import AccessRequest, DeviceTrust
from policy.snapshot import compile_policy
from policy.snapshot.compiler import NOTHING_REMEMBERED
from tests.policy.samples import MONDAY_NOON, policy, request, rule
from tests.policy.strategies import policies, requests
from tests.policy.test_against_casbin import agree

ODD = {"device_trust": DeviceTrust.UNKNOWN, "device_id": "d-2"}
"""A risk of 60 or so, by another device."""
HALF = Band("half", 20, ("methods:GET|HEAD|POST", "scopes:read|write", "limit:60"))
LEAST = Band("least", 50, ("methods:GET|HEAD", "scopes:read", "mask:phone", "limit:6"))


def decided(*bands: Band, method: str = "GET", rules: tuple[Any, ...] = (rule("a"),), **changes: Any) -> Decision:
    given: Policy = policy(*rules, bands=bands)
    return decide(request(method, **changes), compile_policy(given, 7))


def test_below_all_bands_nothing_is_taken() -> None:
    assert decided(HALF, LEAST).effect is Effect.ALLOW


def test_of_several_bands_the_smallest_privilege_holds() -> None:
    odd = decided(HALF, LEAST, **ODD)
    assert odd.risk > 50
    assert (odd.effect, odd.reasons) == (Effect.REDUCE, (Reason.RULE_ALLOWS, Reason.PRIVILEGES_REDUCED))
    assert odd.obligations == ("methods:GET|HEAD", "scopes:read", "limit:6", "mask:phone")
    assert decided(LEAST, HALF, **ODD).obligations == odd.obligations


def test_what_a_band_takes_is_refused_and_what_is_left_is_told() -> None:
    refused = decided(HALF, replace(LEAST, above=30), method="POST", **ODD)
    assert (refused.effect, refused.reasons) == (Effect.DENY, (Reason.PRIVILEGES_REDUCED,))
    assert refused.obligations[0] == "methods:GET|HEAD"
    assert decided(HALF, method="POST", **ODD).effect is Effect.REDUCE


def test_a_band_comes_before_whatever_allows() -> None:
    first = rule("0", priority=0)
    assert decided(LEAST, rules=(first,), **ODD).effect is Effect.REDUCE


def test_a_band_grants_nothing() -> None:
    assert decided(HALF, rules=(), **ODD).reasons == (Reason.NO_RULE,)


def test_a_band_holds_in_its_zone_and_for_its_role() -> None:
    other = Band("other", 0, ("read_only",), zone="admin"), Band("vendors", 0, ("read_only",), role="vendor")
    assert decided(*other, **ODD).effect is Effect.ALLOW
    assert decided(*other, roles=frozenset({"customer", "vendor"}), **ODD).obligations == ("read_only",)


def test_whoever_proves_more_is_let_off_and_is_asked_to() -> None:
    lifted = Band("l", 50, ("read_only",), assurance=2, max_age=300)
    asked = decided(lifted, method="POST", **ODD)
    assert (asked.effect, asked.step_up) == (Effect.STEP_UP, StepUp(2, None))
    assert asked.reasons == (Reason.ASSURANCE_TOO_LOW, Reason.PRIVILEGES_REDUCED)
    old = decided(lifted, method="POST", assurance=2, authenticated_at=MONDAY_NOON - 301, **ODD)
    assert (old.effect, old.step_up) == (Effect.STEP_UP, StepUp(None, 300))
    assert decided(lifted, method="POST", assurance=2, **ODD).effect is Effect.ALLOW
    assert decided(lifted, method="POST", assurance=2, authenticated_at=None, **ODD).effect is Effect.STEP_UP


def test_a_decision_stands_no_longer_than_what_lifts_a_band() -> None:
    lifted = Band("l", 50, ("read_only",), assurance=2, max_age=300)
    allowed = decided(lifted, assurance=2, authenticated_at=MONDAY_NOON - 200, **ODD)
    assert allowed.stands_until == MONDAY_NOON + 100


def test_a_risk_of_a_moment_ago_still_counts_and_counts_no_more_when_it_is_over() -> None:
    until = MONDAY_NOON + 60
    held = decided(LEAST, risk_peaks=((60, until),))
    assert (held.effect, held.risk, held.stands_until) == (Effect.REDUCE, 0, until)
    assert decided(LEAST, risk_peaks=((60, until),), at=until).effect is Effect.ALLOW
    assert decided(LEAST, risk_peaks=((50, until),)).effect is Effect.ALLOW
    lower = decided(HALF, LEAST, risk_peaks=((60, MONDAY_NOON), (30, until)))
    assert lower.obligations == HALF.obligations


def test_what_is_remembered_of_a_risk_never_makes_less_of_the_risk_of_now() -> None:
    now = decided(LEAST, risk_peaks=((10, MONDAY_NOON + 60),), **ODD)
    assert now.obligations == LEAST.obligations


def test_nobody_need_remember_what_no_band_asks_of() -> None:
    assert compile_policy(policy(rule("a")), 1).remembers == NOTHING_REMEMBERED
    assert compile_policy(policy(rule("a"), bands=(LEAST, HALF)), 1).remembers == 20
    own = rule("a", condition="recent_risk >= 10")
    assert compile_policy(policy(own, bands=(LEAST,)), 1).remembers == 10


def test_a_policy_without_bands_and_flows_is_signed_as_ever() -> None:
    plain = policy(rule("a"))
    assert b"bands" not in artefact.encode(plain)
    assert b"flows" not in artefact.encode(plain)
    assert b'"inheritance":[],"organisations":{}' in artefact.encode(plain)
    banded = policy(rule("a"), bands=(LEAST, HALF))
    assert artefact.decode(artefact.encode(banded)).bands == (HALF, LEAST)


@pytest.mark.parametrize("at", [0.0, 1.0, QUARTER - 0.001, QUARTER, MONDAY_NOON])
def test_a_risk_counts_for_five_to_twenty_minutes(at: float) -> None:
    assert STAY < counts_until(at) - at <= LONGEST


seen = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 4000)), max_size=30)


@given(seen, st.integers(0, 6000))
def test_the_peaks_know_what_counts_as_if_nothing_were_forgotten(risks: list[tuple[int, int]], asked: int) -> None:
    peaks: Peaks = ()
    risks = sorted(risks, key=lambda one: one[1])
    for risk, at in risks:
        peaks = remembered(peaks, risk, counts_until(float(at)), float(at))
    now = float(max([asked, *(at for _, at in risks)]))
    counting = [risk for risk, at in risks if now < counts_until(float(at))]
    assert recent(peaks, 0, now)[0] == max(counting, default=0)
    assert len(peaks) <= MOST_PEAKS
    assert list(peaks) == sorted(peaks, reverse=True)


def test_no_news_is_the_same_object() -> None:
    peaks = remembered((), 60, 100.0, 0.0)
    assert remembered(peaks, 60, 100.0, 1.0) is peaks
    assert remembered(peaks, 40, 90.0, 1.0) is peaks
    assert remembered(peaks, 61, 100.0, 1.0) == ((61, 100.0),)


def test_what_is_heard_late_takes_nothing_from_what_counts_longer() -> None:
    assert remembered(((40, 200.0),), 60, 100.0, 0.0) == ((60, 100.0), (40, 200.0))


@given(st.lists(st.tuples(st.integers(0, 1199), st.booleans()), min_size=1, max_size=40))
def test_facts_that_change_back_and_forth_change_privileges_once(moments: list[tuple[int, bool]]) -> None:
    """Within a quarter of an hour privileges shrink once, and do not grow back, however the risk goes to and fro."""
    snapshot = compile_policy(policy(rule("a"), bands=(LEAST,)), 1)
    peaks: Peaks = ()
    start = MONDAY_NOON - MONDAY_NOON % QUARTER
    answers = []
    for after, odd in sorted(moments):
        at = start + after
        decision = decide(request(at=at, risk_peaks=peaks, **(ODD if odd else {})), snapshot)
        peaks = remembered(peaks, decision.risk, counts_until(at), at)
        answers.append(decision.effect)
    if any(odd for after, odd in moments if after < QUARTER):
        last = next(index for index, effect in enumerate(answers) if effect is Effect.REDUCE)
        assert Effect.ALLOW not in answers[last:]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies(), st.lists(requests, min_size=3, max_size=3))
def test_casbin_neither_sees_bands_nor_decides_otherwise_for_them(
    given_policy: Policy, asked: list[AccessRequest]
) -> None:
    bands = (replace(LEAST, above=0), Band("shop", 10, ("read_only",), zone="shop", role="customer", assurance=2))
    agree(replace(given_policy, bands=bands), asked)


def test_a_rule_that_leaves_other_methods_to_everybody_is_told_apart() -> None:
    only = rule("a", obligations=("methods:GET|HEAD",))
    refused = decided(method="POST", rules=(only,))
    assert (refused.effect, refused.reasons) == (Effect.DENY, (Reason.METHOD_NOT_ALLOWED,))
    assert refused.obligations == ("methods:GET|HEAD",)
    reduced = rule("r", priority=1, effect=RuleEffect.REDUCE, obligations=("methods:GET|HEAD",))
    assert decided(method="POST", rules=(reduced, rule("a"))).reasons == (Reason.PRIVILEGES_REDUCED,)
