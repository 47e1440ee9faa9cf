"""A decision that is given again is the one that would be worked out now (P4)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from policy.artefact import Policy, RuleEffect, Zone
from policy.context import CLOCK_SKEW
from policy.decide import decide, decide_anew
from policy.decision import Effect
from policy.overlay.overlay import Granted, Overlay
from policy.recent_risk import counts_until
from policy.request import AccessRequest, Elevated, Facts
from policy.snapshot import Snapshot, compile_policy
from tests.policy.samples import FACTS, MONDAY_NOON, SUBJECT, policy, request, rule
from tests.policy.strategies import policies, requests

_zones = st.builds(
    Zone,
    name=st.sampled_from(["shop", "admin"]),
    assurance=st.integers(0, 2),
    max_age=st.sampled_from([None, 60, 300]),
    max_risk=st.sampled_from([40, 100]),
)
_risk_peaks = st.sampled_from(
    [(), ((60, counts_until(MONDAY_NOON)),), ((60, MONDAY_NOON + 90), (30, MONDAY_NOON + 400))]
)
_waits = st.sampled_from([0.0, 0.5, 1.0, 59.0, 60.0, 240.0, 300.0, 301.0, 500.0, 600.0, 900.0, 3600.0, -1.0])


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(policies(), _zones, st.lists(requests, min_size=1, max_size=4), _risk_peaks, st.lists(_waits, max_size=12))
def test_at_any_moment_the_answer_is_that_of_now(
    given_policy: Policy,
    zone: Zone,
    asked: list[AccessRequest],
    peaks: tuple[tuple[int, float], ...],
    waits: list[float],
) -> None:
    zones = (zone, *(one for one in given_policy.zones if one.name != zone.name))
    compiled = compile_policy(replace(given_policy, zones=zones), 1)
    asked = [replace(one, facts=replace(one.facts, risk_peaks=peaks)) for one in asked]
    now = MONDAY_NOON
    for wait in (0.0, *waits):
        now += wait
        for one in asked:
            due = replace(one, at=now)
            given_again, anew = decide(due, compiled), decide_anew(due, compiled)
            assert replace(given_again, stands_until=0.0) == replace(anew, stands_until=0.0), due
            assert now < given_again.stands_until or given_again == anew


def test_paths_of_one_pattern_share_an_answer_and_other_callers_do_not() -> None:
    shop = compile_policy(policy(rule("a", "/things/:id")), 1)
    first = decide(request(path="/things/1"), shop)
    assert decide(request(path="/things/2"), shop) is first
    assert decide(request(path="/things"), shop).effect is Effect.DENY
    assert decide(request(path="/things/1", roles=frozenset()), shop).effect is Effect.DENY
    assert decide(request(path="/things/1", country=""), shop) is not first
    assert decide(request("POST", path="/things/1"), shop) is not first


def test_a_method_that_an_obligation_forbids_does_not_share_the_answer_of_one_that_it_does_not() -> None:
    shop = compile_policy(policy(rule("a", obligations=("read_only",))), 1)
    assert decide(request("GET"), shop).effect is Effect.REDUCE
    assert decide(request("POST"), shop).effect is Effect.DENY


def test_a_zone_does_not_share_the_answer_of_another_one() -> None:
    zones = Zone("shop"), Zone("strict", assurance=2)
    both = compile_policy(policy(rule("a", zone="*"), zones=zones), 1)
    assert decide(request(), both).effect is Effect.ALLOW
    assert decide(request(zone="strict"), both).effect is Effect.STEP_UP


def test_what_stands_above_the_policy_holds_at_once_and_no_longer_than_it_stands() -> None:
    shop = compile_policy(policy(rule("a", role="auditor")), 1)
    elevated = Overlay([Granted("u-1", "org-1", Elevated("e-1", "auditor", MONDAY_NOON + 10))])
    assert decide(request(), shop).effect is Effect.DENY
    assert decide(request(), shop, elevated).effect is Effect.ALLOW
    assert decide(request(at=MONDAY_NOON + 10), shop, elevated).effect is Effect.DENY


def test_a_sign_in_that_lies_ahead_counts_from_the_moment_at_which_clocks_may_differ_so_much() -> None:
    shop = compile_policy(policy(rule("a", condition="auth_age < 600")), 1)
    ahead = MONDAY_NOON + CLOCK_SKEW + 5
    assert decide(request(authenticated_at=ahead), shop).effect is not Effect.ALLOW
    assert decide(request(authenticated_at=ahead, at=MONDAY_NOON + 5), shop).effect is Effect.ALLOW


def test_answers_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy.snapshot.snapshot.KEPT_LEASES", 50)
    shop = compile_policy(policy(rule("a"), rule("b", effect=RuleEffect.DENY, path="/b")), 1)
    for number in range(500):
        facts = replace(FACTS, address=f"192.0.2.{number}")
        assert decide(request(facts=facts), shop).effect is Effect.ALLOW
        _strange(shop, facts, number)
        assert len(shop.leases) <= 50


def _strange(shop: Snapshot, facts: Facts, number: int) -> None:
    kept = len(shop.leases)
    decide(AccessRequest(SUBJECT, facts, f"zone-{number}", "GET", "/", MONDAY_NOON), shop)
    assert len(shop.leases) == kept, "a zone that the policy does not know grew something"


def test_a_clock_that_ran_backwards_is_not_answered_with_what_stands_later() -> None:
    shop = compile_policy(policy(rule("a", condition="hour >= 12")), 1)
    assert decide(request(at=MONDAY_NOON + 600), shop).effect is Effect.ALLOW
    assert decide(request(at=MONDAY_NOON + 599), shop).effect is Effect.DENY
