"""Programmes and phases for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from idp.rollout.cohorts import Cohort, Everybody, Rule
from idp.rollout.phases import Circumstances, Dates, Demand, Phase, Reminder, Thresholds
from idp.rollout.programme import Programme
from tests.clock import FakeClock
from tests.idp.people import HOUSE

NOW = FakeClock().now()
DAY = timedelta(days=1)
OFFERED = Circumstances(offered=frozenset({"passkey", "totp"}))


def dates(begin: int = 0) -> Dates:
    """Begins so many days from now; each date a week after the one before."""
    first = NOW + begin * DAY
    return Dates(first - 7 * DAY, first, first + 7 * DAY, first + 14 * DAY)


def phase(programme_id: UUID | None = None, cohort_id: UUID | None = None, **other: Any) -> Phase:
    """A phase of MFA for everybody, which begins now."""
    made = Phase(
        id=uuid4(),
        programme_id=programme_id or uuid4(),
        position=1,
        key="mfa-everybody",
        name={"ko": "모두 2단계", "en": "MFA for everybody"},
        kind="mfa",
        cohort_id=cohort_id or uuid4(),
        share=100,
        demand=Demand(methods=("passkey", "totp"), second_factor=True),
        dates=dates(),
        grace_days=0,
        reminders=(Reminder("enforce", -2),),
        thresholds=Thresholds(),
        state="draft",
    )
    return replace(made, **other)


def programme(**other: Any) -> tuple[Programme, Cohort, Phase]:
    """A programme of one phase, for everybody of the house."""
    made = Programme(id=uuid4(), organisation_id=HOUSE, name="Way out of passwords", created_at=NOW)
    rule: Rule = other.pop("rule", Everybody())
    cohort = Cohort(id=uuid4(), programme_id=made.id, name="everybody", rule=rule)
    return made, cohort, phase(made.id, cohort.id, **other)
