"""The states of a phase: what may be done when, what any history of acts keeps true, and what a person must."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.entropy import SystemEntropy
from idp.rollout.cohorts import Everybody, nobody
from idp.rollout.demands import ALONE, BEST_FIRST, OFFERED, PhaseWithRule, Standing, deadline_of, demanded
from idp.rollout.phases import (
    ACTS,
    FROM,
    IN_FORCE,
    Act,
    Circumstances,
    Demand,
    Measured,
    Method,
    NotNow,
    Phase,
    PhaseState,
    Thresholds,
    Why,
    acts_now,
    done,
    due,
    short_of,
)
from idp.rollout.template import instantiate, shipped
from tests.idp.rollout.values import DAY, NOW, phase
from tests.idp.rollout.values import OFFERED as AROUND

STATES: tuple[PhaseState, ...] = get_args(PhaseState)
MEASURED = st.builds(Measured, st.integers(0, 50), st.integers(0, 50), st.one_of(st.none(), st.floats(1, 5)))
THRESHOLDS = st.builds(
    Thresholds,
    min_success_rate=st.one_of(st.none(), st.floats(0, 1)),
    max_failure_rate=st.one_of(st.none(), st.floats(0, 1)),
    min_feedback=st.one_of(st.none(), st.floats(1, 5)),
    min_sample=st.integers(0, 60),
)


@given(
    st.sampled_from(("mfa", "passwordless")),
    st.integers(1, 100),
    THRESHOLDS,
    st.lists(st.tuples(st.sampled_from(ACTS), st.integers(1, 100), st.floats(0, 20), MEASURED), max_size=12),
)
def test_whatever_is_done_in_whatever_order(
    kind: str, share: int, thresholds: Thresholds, history: list[tuple[Act, int, float, Measured]]
) -> None:
    one, now = phase(kind=kind, share=share, thresholds=thresholds), NOW
    for act, wider, days, measured in history:
        now += timedelta(days=days)
        around = replace(AROUND, measured=measured)
        possible = acts_now(one, around)
        assert set(possible) == {known for known in ACTS if one.state in FROM[known]}
        try:
            after = done(one, act, now, around, share=wider)
        except NotNow as error:
            refused: Why | None = error.why
        else:
            refused = None
        if refused is not None:
            assert one.state not in FROM[act] or possible[act] is refused or refused is Why.NOT_WIDER
            continue
        assert one.state in FROM[act]
        assert possible[act] is None
        assert after.version == one.version + 1
        assert after.dates.in_order
        assert (after.state == "paused") == (after.paused_from is not None) == (after.paused_at is not None)
        assert after.share >= one.share, "a phase never lets go of people but as a whole"
        if kind == "passwordless" and act in ("widen", "enforce"):
            assert short_of(thresholds, measured) is None
        if act == "resume":
            assert after.state == one.paused_from
        if act in ("roll_back", "pause", "reopen"):
            assert not after.in_force
        if act == "reopen":
            assert due(after, now) is None, "nothing begins before somebody looked at its dates"
        assert (after.begun_at is not None) or after.state in ("draft", "announced", "paused", "rolled_back")
        one = after


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("act", ACTS)
def test_every_act_of_every_state(state: PhaseState, act: Act) -> None:
    paused: dict[str, Any] = {"paused_from": "running", "paused_at": NOW} if state == "paused" else {}
    one = phase(state=state, share=50, begun_at=NOW, **paused)
    if state in FROM[act]:
        done(one, act, NOW, AROUND, share=60)
    else:
        with pytest.raises(NotNow) as refused:
            done(one, act, NOW, AROUND, share=60)
        assert refused.value.why is Why.STATE


def test_a_pilot_is_widened_to_everybody() -> None:
    one = done(phase(state="announced", share=10), "begin", NOW, AROUND)
    assert one.state == "piloting"
    for share, state in ((20, "piloting"), (100, "running")):
        one = done(one, "widen", NOW, AROUND, share=share)
        assert (one.state, one.share) == (state, share)
    for less in (None, 100, 5):
        with pytest.raises(NotNow):
            done(replace(one, state="piloting"), "widen", NOW, AROUND, share=less)


@given(THRESHOLDS, MEASURED)
def test_what_was_never_measured_reaches_no_threshold(thresholds: Thresholds, measured: Measured) -> None:
    asks = thresholds.min_success_rate is not None or thresholds.min_feedback is not None or thresholds.min_sample
    assert (short_of(thresholds, Measured()) is not None) == bool(asks)
    if short_of(thresholds, measured) is None:
        better = replace(measured, successes=measured.successes + 1)
        assert short_of(thresholds, better) is None, "a success more never holds it back"


def test_passwordless_begins_only_past_the_thresholds_of_the_one_before() -> None:
    before = phase(kind="passwordless", state="running", begun_at=NOW, thresholds=Thresholds(min_sample=10))
    one = phase(kind="passwordless", state="announced")
    few = replace(AROUND, before=before, measured_before=Measured(9, 0))
    with pytest.raises(NotNow) as refused:
        done(one, "begin", NOW, few)
    assert refused.value.why is Why.SAMPLE
    assert done(one, "begin", NOW, replace(few, measured_before=Measured(10, 0))).state == "running"
    assert done(one, "begin", NOW, replace(few, before=replace(before, state="rolled_back"))).state == "running"
    assert done(replace(one, kind="mfa"), "begin", NOW, few).state == "running"


def test_a_phase_none_of_whose_methods_is_offered_does_not_begin() -> None:
    one = phase(state="announced", demand=Demand(methods=("push",)))
    with pytest.raises(NotNow) as refused:
        done(one, "begin", NOW, Circumstances(offered=frozenset({"passkey"})))
    assert refused.value.why is Why.NO_METHOD


def test_dates_wait_while_it_is_paused() -> None:
    one = phase(state="running", begun_at=NOW)
    paused = done(one, "pause", NOW + DAY, AROUND)
    resumed = done(paused, "resume", NOW + 4 * DAY, AROUND)
    assert resumed.dates.begin_at == one.dates.begin_at, "what has happened stays"
    assert resumed.dates.enforce_at == one.dates.enforce_at + 3 * DAY


@given(st.sampled_from(STATES), st.integers(-10, 30), st.booleans(), st.booleans(), st.integers(0, 5))
def test_what_a_person_must(state: PhaseState, days: int, has: bool, excepted: bool, grace: int) -> None:
    now = NOW + days * DAY
    demand = Demand(methods=("passkey",), second_factor=True, close_password=True)
    one = phase(state=state, demand=demand, grace_days=grace)
    standing = Standing(asked_at=NOW, excepted_until=now + DAY if excepted else None)
    found = demanded(
        [PhaseWithRule(one, Everybody())], nobody(uuid4()), {one.id: standing}, {"passkey"} if has else (), now
    )
    if state not in IN_FORCE or excepted:
        assert (found.enrolment, found.second_factor, found.password_closed) == (None, False, False)
        return
    over = state in ("enforced", "finished") and now >= deadline_of(one, standing, now)
    assert found.password_closed == found.second_factor == (has and over)
    assert (found.enrolment is None) == has
    if found.enrolment is not None:
        assert (found.enrolment.enrolling == "must") == over
        assert (found.enrolment.days_left(now) == 0) == (now >= found.enrolment.deadline)


def test_of_several_phases_the_one_that_is_due_first_is_asked_for() -> None:
    person = nobody(uuid4())
    early = phase(state="running", demand=Demand(methods=("totp",)))
    late = phase(state="running", dates=replace(early.dates, enforce_at=early.dates.enforce_at + DAY))
    due_now = phase(state="enforced", demand=Demand(methods=("passkey",)), dates=replace(early.dates, enforce_at=NOW))
    at = [PhaseWithRule(one, Everybody()) for one in (late, early)]
    found = demanded(at, person, {}, (), NOW)
    assert found.enrolment is not None
    assert found.enrolment.phase_id == early.id
    found = demanded([*at, PhaseWithRule(due_now, Everybody())], person, {}, (), NOW)
    assert found.enrolment is not None
    assert found.enrolment.phase_id == due_now.id
    assert found.enrolment.methods == ("passkey",)
    assert set(found.reached) == {one.id for one in (late, early, due_now)}


def test_what_is_not_offered_here_is_asked_of_nobody() -> None:
    one: Phase = phase(state="enforced", demand=Demand(methods=("sms",)))
    at = [PhaseWithRule(one, Everybody())]
    assert demanded(at, nobody(uuid4()), {}, (), NOW).enrolment is not None
    assert demanded(at, nobody(uuid4()), {}, (), NOW, offered=OFFERED - {"sms"}).enrolment is None


def test_nobody_is_held_up_for_what_a_login_cannot_set_up() -> None:
    dates = replace(phase().dates, enforce_at=NOW)
    for methods, enrolling in ((("push",), "may"), (("push", "passkey"), "must")):
        one = phase(state="enforced", dates=dates, demand=Demand(methods=methods))  # type: ignore[arg-type]
        found = demanded([PhaseWithRule(one, Everybody())], nobody(uuid4()), {}, (), NOW)
        assert found.enrolment is not None
        assert found.enrolment.enrolling == enrolling


@given(
    st.lists(st.sampled_from(BEST_FIRST), min_size=1, unique=True),
    st.sets(st.sampled_from(BEST_FIRST)),
    st.sets(st.sampled_from(sorted(ALONE))),
)
def test_a_password_closes_for_nobody_without_another_way(
    methods: list[Method], has: set[Method], alone: set[Method]
) -> None:
    demand = Demand(methods=tuple(methods), close_password=True)
    one = phase(kind="passwordless", state="enforced", dates=replace(phase().dates, enforce_at=NOW), demand=demand)
    found = demanded([PhaseWithRule(one, Everybody())], nobody(uuid4()), {}, has, NOW, alone=alone)
    assert found.instead == set(methods) & has & alone
    assert found.password_closed == bool(found.instead)
    assert not found.password_closed or found.enrolment is None


def test_the_shipped_programme_asks_for_what_it_says() -> None:
    _, cohorts, phases = instantiate(shipped(), uuid4(), NOW - 400 * DAY, locale="en", now=NOW, entropy=SystemEntropy())
    rules = {one.id: one.rule for one in cohorts}
    at = {one.key: PhaseWithRule(replace(one, state="enforced", share=100), rules[one.cohort_id]) for one in phases}
    someone = replace(nobody(uuid4()), systems=frozenset({"iPhone"}))

    def asked(key: str, *has: Method, alone: tuple[Method, ...] = ("passkey", "push", "link")) -> Any:
        standing = Standing(asked_at=NOW - 100 * DAY, taken_in=False)
        found = demanded([at[key]], someone, {at[key].phase.id: standing}, has, NOW, alone=alone)
        return found.enrolment.methods if found.enrolment is not None else (found.second_factor, *sorted(found.instead))

    assert asked("mfa-high-risk") == (False,), "whom it is not for it asks nothing"
    assert asked("mfa-organisation") == ("passkey", "push", "totp", "sms")
    assert asked("mfa-organisation", "sms") == (True,)
    assert asked("passwordless-links") == ("passkey", "link")
    assert asked("passwordless-links", "link") == (False,), "old and new side by side: it closes no password"
    assert asked("passwordless-passkeys", "link") == ("passkey",)
    assert asked("passwordless-passkeys", "passkey") == (True, "passkey")
    assert asked("passwordless-push", "link") == ("passkey", "push")
    assert asked("passwordless-push", "passkey", "push") == (True, "passkey", "push")
    assert asked("passwordless-push", "push", alone=("passkey",)) == (True,)
