"""What SQL counts is what counting people one by one says, whoever they are; and each chart says what it shows."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.connections import Database
from config.settings import Settings
from idp.devices.sign_in_history import GOT_IN
from idp.rollout.analysis import (
    IDLE,
    Analysis,
    FailureRow,
    HashRow,
    IdleRow,
    PhaseHit,
    group,
    method_row,
    with_findings,
)
from idp.rollout.cohorts import FAILED_WITHIN, FAILURES
from idp.rollout.methods import METHODS, method_of, readiness, why_not
from idp.storage import analysis
from tests.idp.rollout.population import FEW, HASHES, HOUSE, NOW, OTHER, Attempt, One, each_in_vain, keep, people


def by_hand(everybody: list[One], scope: set[UUID]) -> dict[str, Any]:
    """The same, one person at a time."""
    ours = [one for one in everybody if set(one.roles) & scope]
    active = [one for one in ours if one.state == "active"]
    groups: Counter[tuple[str, str, str]] = Counter()
    for one in active:
        ready = readiness(one.enrolled, has_password=bool(one.hash))
        recent = sum(
            attempt.outcome == "failed" and timedelta(days=attempt.days) < FAILED_WITHIN for attempt in one.attempts
        )
        roles = {role for organisation in set(one.roles) & scope for role in one.roles[organisation] or ("",)}
        risks = {
            *(["administrator"] if "administrator" in roles else []),
            *(["legacy_hash"] if one.hash and not one.hash.startswith("$argon2id$") else []),
            *([] if one.enrolled else ["no_second_factor"]),
            *(["recent_failures"] if recent >= FAILURES else []),
        }
        groups["all", "", ready] += 1
        groups.update(("organisation", str(organisation), ready) for organisation in set(one.roles) & scope)
        groups.update(("role", role, ready) for role in roles)
        groups.update(("risk", risk, ready) for risk in risks)
    recent_attempts = [(one, each) for one in active for each in one.attempts if each.days <= 30]
    seen = [
        min(
            [each.days for each in one.attempts if each.outcome in GOT_IN]
            + ([one.device_days] if one.device_days is not None else []),
            default=None,
        )
        for one in active
    ]
    return {
        "people": (len(active), len(ours) - len(active)),
        "groups": groups,
        "methods": Counter(method_of(each.amr) for _, each in recent_attempts if each.outcome in GOT_IN),
        "failures": Counter(
            why_not(each.outcome, each.amr)
            for _, each in recent_attempts
            if each.outcome in ("failed", "refused", "abandoned")
        ),
        "hashes": Counter(HASHES[one.hash] for one in active),
        "idle": Counter(
            "never" if days is None else next(name for most, name in LATEST if days <= most) for days in seen
        ),
    }


LATEST = ((30, "month"), (90, "quarter"), (180, "half_year"), (9999, "longer"))


async def compare(database: Database, everybody: list[One], scope: set[UUID]) -> None:
    async with database.connect() as tx:
        await keep(tx, everybody)
        wanted, since = by_hand(everybody, scope), NOW - timedelta(days=30)
        assert await analysis.people(tx, scope) == wanted["people"]
        groups = await analysis.groups(tx, scope, NOW)
        assert Counter({(g.by, g.key, r): n for g in groups for r, n in g.ready.items() if n}) == wanted["groups"]
        methods = await analysis.methods(tx, scope, since)
        assert Counter({row.method: row.sign_ins for row in methods}) == wanted["methods"]
        failures = await analysis.failures(tx, scope, since)
        assert Counter({row.why: row.attempts for row in failures}) == wanted["failures"]
        hashes = await analysis.hashes(tx, scope)
        assert Counter({(row.scheme, row.state): row.people for row in hashes}) == wanted["hashes"]
        idle = await analysis.idle(tx, scope, NOW)
        assert [row.idle for row in idle] == list(IDLE)
        assert Counter({row.idle: row.people for row in idle if row.people}) == wanted["idle"]


def test_sql_counts_what_counting_one_by_one_says(settings: Settings) -> None:
    with each_in_vain(settings) as check_in:

        @given(everybody=people, scope=st.sets(st.sampled_from([HOUSE, OTHER]), min_size=1))
        @FEW
        def check(everybody: list[One], scope: set[UUID]) -> None:
            check_in(lambda database: compare(database, everybody, scope))

        check()


def test_medians_are_of_those_whose_time_is_known(settings: Settings) -> None:
    got = [Attempt("signed_in", ("pwd",), 1, seconds) for seconds in (4.0, 8.0, None, 100.0)]
    one = One({HOUSE: ()}, "active", "", frozenset(), None, got)

    async def check(database: Database) -> None:
        async with database.connect() as tx:
            await keep(tx, [one])
            [row] = await analysis.methods(tx, [HOUSE], NOW - timedelta(days=30))
            assert (row.sign_ins, row.median_seconds) == (4, 8.0)

    with each_in_vain(settings) as check_in:
        check_in(check)


def test_some_failures_are_recent_failures_and_one_less_are_not(settings: Settings) -> None:
    wrong = Attempt("failed", ("pwd",), 1, None)
    often = One({HOUSE: ()}, "active", "", frozenset(), None, [wrong] * FAILURES)
    seldom = One({HOUSE: ()}, "active", "", frozenset(), None, [wrong] * (FAILURES - 1))

    async def check(database: Database) -> None:
        async with database.connect() as tx:
            await keep(tx, [often, seldom])
            groups = await analysis.groups(tx, [HOUSE], NOW)
            assert [group.people for group in groups if group.key == "recent_failures"] == [1]

    with each_in_vain(settings) as check_in:
        check_in(check)


def made(**more: Any) -> Analysis:
    nothing: Any = {"people": 0, "locked": 0, **dict.fromkeys(("groups", "methods", "failures", "hashes", "idle"), ())}
    return with_findings(Analysis(at=NOW, days=30, findings=(), **{**nothing, "phases": (), **more}))


def found(one: Analysis) -> dict[str, str]:
    assert len({finding.about for finding in one.findings}) == len(one.findings)
    return {finding.about: finding.code for finding in one.findings}


def test_every_chart_says_what_it_shows() -> None:
    assert set(found(made()).values()) == {
        *("nobody", "none_exposed", "nobody_signed_in", "none_failed", "no_passwords", "none_idle", "no_phases")
    }
    hit: Any = {"programme_id": HOUSE, "programme": "p", "phase_id": HOUSE, "name": {"ko": "가"}, "state": "draft"}
    one = made(
        people=10,
        groups=(
            group("all", "", "", {"password_alone": 6, "phishing_resistant": 4}),
            group("role", "customer", "customer", {"password_alone": 1, "several_factors": 4}),
            group("role", "staff", "staff", {"password_alone": 3}),
            group("risk", "legacy_hash", "legacy_hash", {"password_alone": 2}),
            group("risk", "administrator", "administrator", {"password_alone": 1}),
        ),
        methods=(method_row("password", 30, 3, None), method_row("passkey", 10, 2, 4.0)),
        failures=(FailureRow(why="wrong_password", attempts=3, people=2),),
        hashes=(HashRow(scheme="ldap", state="wrapped", people=4), HashRow(scheme="", state="none", people=2)),
        idle=(IdleRow(idle="month", people=1), IdleRow(idle="never", people=3)),
        phases=(PhaseHit(**hit, people=10, ready=4), PhaseHit(**hit, people=3, ready=3)),
    )
    assert found(one) == {
        "strength": "password_alone",
        "role": "weakest_role",
        "risk": "exposed_administrator",
        "methods": "most_used",
        "failures": "most_failed",
        "hashes": "old_hashes",
        "idle": "idle",
        "phases": "most_work",
    }
    values = {finding.about: finding.values for finding in one.findings}
    assert values["strength"] == {"share": 0.6, "count": 6, "people": 10}
    assert values["role"]["role"] == "staff"
    assert values["methods"] == {"method": "password", "share": 0.75, "days": 30}
    assert values["hashes"] == {"count": 4, "share": 1.0}
    assert values["idle"]["count"] == 3
    assert values["phases"] == {"count": 6, "people": 10, "name_ko": "가"}
    ready = group("all", "", "", {"several_factors": 3})
    calm = made(
        people=3, groups=(ready, group("role", "", "", ready.ready)), phases=(PhaseHit(**hit, people=1, ready=1),)
    )
    assert found(calm)["strength"] == found(calm)["role"] == "no_password_alone"
    assert found(calm)["phases"] == "all_ready"


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_its_strength(method: Any) -> None:
    assert method_row(method, 1, 1, None).strength
