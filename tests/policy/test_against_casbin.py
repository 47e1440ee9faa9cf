"""The compiled snapshot against the stock enforcer: the same answer and the same winning rule (P4)."""

from __future__ import annotations

import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.artefact import Policy, RuleEffect
from policy.casbin_model import ReferenceEnforcer
from policy.judgement import judge, survey
from policy.request import AccessRequest
from policy.snapshot import compile_policy
from tests.policy.samples import policy, request, rule
from tests.policy.strategies import policies, requests

REQUESTS_EACH, MORE_EACH = 5, 20


def agree(given_policy: Policy, asked: list[AccessRequest]) -> None:
    """Fail at the first request on which the two differ."""
    snapshot, reference = compile_policy(given_policy, 1), ReferenceEnforcer(given_policy)
    for each in asked:
        situation = survey(each, snapshot)
        winner = judge(situation.candidates, situation.zone, situation.context, each.method).winner
        ours = (winner is not None and winner.effect is RuleEffect.ALLOW, winner.id if winner is not None else "")
        theirs = reference.enforce(each.subject, each.zone, each.method, each.path, situation.context)
        assert ours == theirs, each


def differential(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


@differential(2_000 // REQUESTS_EACH)
@given(policies(), st.lists(requests, min_size=REQUESTS_EACH, max_size=REQUESTS_EACH))
def test_two_thousand_random_cases(given_policy: Policy, asked: list[AccessRequest]) -> None:
    agree(given_policy, asked)


@pytest.mark.proof
def test_a_hundred_thousand_random_cases(capsys: pytest.CaptureFixture[str]) -> None:
    started, done = time.monotonic(), 0

    @differential(100_000 // MORE_EACH)
    @given(policies(), st.lists(requests, min_size=MORE_EACH, max_size=MORE_EACH))
    def check(given_policy: Policy, asked: list[AccessRequest]) -> None:
        nonlocal done
        agree(given_policy, asked)
        done += len(asked)
        if done % 5_000 == 0:
            with capsys.disabled():
                sys.stderr.write(f"{done:,} cases agree, {time.monotonic() - started:.0f} s\n")

    check()
    assert done >= 100_000


def test_a_condition_reaches_casbin_as_an_expression_not_as_a_text_that_is_always_true() -> None:
    guarded = policy(rule("a", condition='country == "KR"'))
    snapshot, reference = compile_policy(guarded, 1), ReferenceEnforcer(guarded)
    for country, allowed in (("KR", True), ("JP", False), ("", False)):
        asked = request(country=country, session_country="")
        context = survey(asked, snapshot).context
        assert reference.enforce(asked.subject, "shop", "GET", "/", context)[0] is allowed


def test_rules_of_one_priority_are_tried_by_id() -> None:
    both = policy(rule("b"), rule("a", effect=RuleEffect.DENY))
    agree(both, [request()])
    assert judge_winner(both, request()) == "a"


def test_a_policy_without_rules_denies() -> None:
    agree(policy(), [request()])


def judge_winner(given_policy: Policy, asked: AccessRequest) -> str:
    situation = survey(asked, compile_policy(given_policy, 1))
    winner = judge(situation.candidates, situation.zone, situation.context, asked.method).winner
    return winner.id if winner is not None else ""
