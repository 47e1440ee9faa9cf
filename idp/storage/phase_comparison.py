"""Whom a phase reached and whom not, one row a person, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select

from config.connections import Transaction
from idp.devices.sign_in_history import GOT_IN, KEPT_FOR
from idp.rollout.analysis import PlannedPhase
from idp.rollout.comparison import ControlIs, Person, Platforms
from idp.storage.account_tables import sign_in_history as history
from idp.storage.analysis import ROOM
from idp.storage.directory_tables import membership, user_account
from idp.storage.rollout_cohorts import condition
from idp.storage.rollout_tables import phase_person

MOST_PEOPLE = 20_000
"""People of a group that are looked at; ids are random, so the first by id are as good as any."""
_GOT_IN = history.c.outcome.in_(sorted(GOT_IN))
_MISSED = history.c.outcome.in_(("failed", "refused", "abandoned"))


@dataclass(frozen=True, slots=True)
class Sides:
    """What `idp.rollout.comparison.compare` takes."""

    control_is: ControlIs
    since: datetime
    pilot: Sequence[Person]
    control: Sequence[Person]
    platforms: tuple[Platforms, Platforms]


async def sides(tx: Transaction, planned: PlannedPhase, now: datetime) -> Sides:
    """Both groups of a phase that has begun. Where it reaches everybody, they themselves before it began."""
    await tx.execute(ROOM)
    phase = planned.phase
    since = max(phase.begun_at or now, now - KEPT_FOR)
    there = exists().where(phase_person.c.phase_id == phase.id, phase_person.c.user_id == user_account.c.id)
    ours = exists().where(
        membership.c.user_id == user_account.c.id, membership.c.organisation_id == planned.organisation_id
    )
    reached = and_(user_account.c.state == "active", there)
    rest = and_(user_account.c.state == "active", ours, ~there, condition(planned.rule, planned.organisation_id, now))
    pilot = await _people(tx, reached, since, now)
    control_is: ControlIs = "rest_of_cohort"
    control, control_who, window = await _people(tx, rest, since, now), rest, (since, now)
    if not control:
        control_is, control_who, window = "before", reached, (since - _length(since, now), since)
        control = await _people(tx, reached, *window)
    platforms = (await _platforms(tx, reached, since, now), await _platforms(tx, control_who, *window))
    return Sides(control_is, since, pilot, control, platforms)


def _length(since: datetime, now: datetime) -> timedelta:
    return max(now - since, timedelta(days=1))


async def _people(tx: Transaction, who: ColumnElement[bool], since: datetime, until: datetime) -> Sequence[Person]:
    chosen = select(user_account.c.id).where(who).order_by(user_account.c.id).limit(MOST_PEOPLE).cte("chosen")
    within = and_(history.c.user_id == chosen.c.id, history.c.at >= since, history.c.at < until)
    query: Select[Any] = (
        select(
            func.count().filter(_GOT_IN).label("got_in"),
            func.count().filter(_MISSED).label("missed"),
            func.percentile_cont(0.5).within_group(history.c.seconds).filter(_GOT_IN).label("seconds"),
        )
        .select_from(chosen)
        .outerjoin(history, within)
        .group_by(chosen.c.id)
    )
    return [Person(*row) for row in await tx.execute(query)]


async def _platforms(tx: Transaction, who: ColumnElement[bool], since: datetime, until: datetime) -> Platforms:
    query = (
        select(
            history.c.device_label,
            func.count(history.c.user_id.distinct()),
            func.count(history.c.user_id.distinct()).filter(_MISSED),
        )
        .select_from(history)
        .join(user_account, user_account.c.id == history.c.user_id)
        .where(who, history.c.at >= since, history.c.at < until, history.c.outcome != "kept")
        .group_by(history.c.device_label)
    )
    return {label: (tried, missed) for label, tried, missed in await tx.execute(query)}
