"""How far a phase is, as SQL says it, is what looking at its people one by one says; and the rest is made of that."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert

from config.connections import Database, Transaction
from config.settings import Settings
from idp.devices.sign_in_history import GOT_IN
from idp.rollout.analysis import PlannedPhase
from idp.rollout.cohorts import Everybody
from idp.rollout.inference import quantile
from idp.rollout.methods import by_one_of
from idp.rollout.phases import Demand, Thresholds
from idp.rollout.progress import BEFORE, progress_of
from idp.storage import phase_comparison, phase_plans, phase_progress, programmes
from idp.storage.rollout_tables import phase_exception, phase_notice, phase_person
from tests.idp.rollout.population import FEW, HOUSE, NOW, Attempt, One, each_in_vain, keep, people
from tests.idp.rollout.values import programme

BEGUN = NOW - timedelta(days=35)
METHODS = st.lists(st.sampled_from(["passkey", "totp", "sms"]), unique=True, min_size=1).map(tuple)


@dataclass(frozen=True)
class InPhase:
    """What a phase remembers of somebody; `taken_in` false: nothing."""

    taken_in: bool
    asked: bool
    skipped: int
    excepted: bool
    notices: int


in_phase = st.builds(
    InPhase,
    taken_in=st.sampled_from([True, True, True, False]),
    asked=st.booleans(),
    skipped=st.sampled_from([0, 0, 1, 4]),
    excepted=st.sampled_from([False, False, True]),
    notices=st.integers(0, 2),
)


async def begin(tx: Transaction, everybody: list[One], places: list[InPhase], methods: Any) -> PlannedPhase:
    made, cohort, one = programme(
        demand=Demand(methods=methods), state="running", begun_at=BEGUN, thresholds=Thresholds(min_sample=10**6)
    )
    await programmes.add(tx, made, [cohort], [one], NOW)
    for person, place in zip(everybody, places, strict=False):
        if not place.taken_in:
            continue
        await tx.execute(
            insert(phase_person).values(
                phase_id=one.id,
                user_id=person.id,
                taken_in_at=BEGUN,
                asked_at=BEGUN if place.asked else None,
                skipped=place.skipped,
            )
        )
        if place.excepted:
            await tx.execute(
                insert(phase_exception).values(
                    id=person.id,
                    phase_id=one.id,
                    user_id=person.id,
                    until=NOW + timedelta(days=1),
                    why="w",
                    who="w",
                    granted_at=BEGUN,
                )
            )
        for number in range(place.notices):
            notice = {"phase_id": one.id, "user_id": person.id, "moment": f"enforce-{number}", "at": NOW}
            await tx.execute(insert(phase_notice).values(**notice))
    return PlannedPhase(made.name, HOUSE, one, Everybody())


def since_begun(attempt: Attempt) -> bool:
    return attempt.days <= 35


def missed(attempt: Attempt, methods: Any) -> bool:
    by_new = by_one_of(methods, attempt.amr)
    left = attempt.outcome == "abandoned" and attempt.amr == ("pwd",)
    return attempt.outcome in ("failed", "refused", "abandoned") and (by_new or left)


def kept_back(one: One, place: InPhase, methods: Any) -> str | None:
    """Why somebody is stuck, by hand."""
    mine = [attempt for attempt in one.attempts if since_begun(attempt)]
    wrong = min((attempt.days for attempt in mine if missed(attempt, methods)), default=None)
    right = min((a.days for a in mine if a.outcome in GOT_IN and by_one_of(methods, a.amr)), default=None)
    has = not one.enrolled.isdisjoint(methods)
    if place.excepted:
        return None
    if wrong is not None and (right is None or wrong < right):
        return "tried"
    if not has and place.skipped:
        return "put_off"
    return "reminded" if not has and place.notices else None


async def compare(database: Database, everybody: list[One], places: list[InPhase], methods: Any) -> None:
    async with database.connect() as tx:
        await keep(tx, everybody)
        planned = await begin(tx, everybody, places, methods)
        found = await progress_of(tx, phase_progress, planned, NOW)
        stuck = await phase_progress.stuck(tx, planned.phase, NOW, after=None, limit=50)
        [again] = await phase_plans.planned(tx, [HOUSE], planned.phase.programme_id)
        sides = await phase_comparison.sides(tx, again, NOW)
    inside = [
        (one, place) for one, place in zip(everybody, places, strict=False) if place.taken_in and one.state == "active"
    ]
    has = [(one, place, not one.enrolled.isdisjoint(methods)) for one, place in inside]
    assert again == planned
    assert (found.reached, found.enrolled) == (len(has), sum(ready for *_, ready in has))
    assert found.asked == sum(place.asked for _, place in inside)
    assert found.put_off == sum(place.skipped > 0 and not ready for _, place, ready in has)
    assert found.excepted == sum(place.excepted and not ready for _, place, ready in has)
    attempts = [a for one, _ in inside for a in one.attempts if since_begun(a)]
    by_new = [a for a in attempts if by_one_of(methods, a.amr)]
    assert found.succeeded == sum(a.outcome in GOT_IN for a in by_new)
    assert found.failed == sum(a.outcome in ("failed", "refused") for a in by_new)
    assert found.given_up == sum(a.outcome == "abandoned" and missed(a, methods) for a in attempts)
    times = sorted(a.seconds for a in by_new if a.outcome in GOT_IN and a.seconds is not None)
    assert (found.median_seconds, found.slow_seconds) == (quantile(times, 0.5), quantile(times, 0.9))
    earlier = [
        a.seconds
        for one, _ in inside
        for a in one.attempts
        if not since_begun(a) and a.days <= 35 + BEFORE.days and a.outcome in GOT_IN and a.seconds is not None
    ]
    assert found.before_seconds == (median(earlier) if earlier else None)
    reasons = {one.id: why for one, place in inside if (why := kept_back(one, place, methods)) is not None}
    assert {row.user_id: row.why for row in stuck} == reasons
    assert found.stuck == {kind: Counter(reasons.values())[kind] for kind in ("tried", "put_off", "reminded")}
    assert all((row.last_failure is not None) or row.why != "tried" for row in stuck)
    assert sum(day.enrolled for day in found.days) == (found.enrolled if len(found.days) else 0)
    assert found.hindrance == "sample"
    assert sum(person.got_in for person in sides.pilot) == sum(a.outcome in GOT_IN for a in attempts)
    assert sum(person.missed for person in sides.pilot) == sum(
        a.outcome in ("failed", "refused", "abandoned") for a in attempts
    )
    outside = [
        one
        for one, place in zip(everybody, places, strict=False)
        if not place.taken_in and one.state == "active" and HOUSE in one.roles
    ]
    assert sides.control_is == ("rest_of_cohort" if outside else "before")
    if outside:
        assert len(sides.control) == len(outside)


def test_sql_says_what_looking_one_by_one_says(settings: Settings) -> None:
    with each_in_vain(settings) as check_in:

        @given(everybody=people, places=st.lists(in_phase, min_size=8, max_size=8), methods=METHODS)
        @FEW
        def check(everybody: list[One], places: list[InPhase], methods: Any) -> None:
            check_in(lambda database: compare(database, everybody, places, methods))

        check()
