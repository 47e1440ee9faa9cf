"""Whom phases are for, whom they have reached, and what came of it, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Uuid,
    and_,
    any_,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.devices.sign_in_history import GOT_IN
from idp.rollout.cohorts import Rule
from idp.rollout.demands import PhaseWithRule, Standing
from idp.rollout.phases import IN_FORCE, PUTS_NO_MORE_OFF, Measured, Method, Phase
from idp.rollout.programme import Hit, Preview
from idp.storage import phase_progress, rollout_cohorts
from idp.storage.account_tables import sign_in_history
from idp.storage.directory_tables import membership, user_account
from idp.storage.programmes import phase_of, rule_of
from idp.storage.rollout_cohorts import HAVING, condition, having, within
from idp.storage.rollout_tables import cohort, phase, phase_exception, phase_person, programme

facts = rollout_cohorts.facts


async def in_force(tx: Transaction, organisation_id: UUID) -> Sequence[PhaseWithRule]:
    """The phases of an organisation that demand something, with their rules."""
    query = (
        select(phase, cohort.c.rule.label("rule"))
        .join(programme, programme.c.id == phase.c.programme_id)
        .join(cohort, cohort.c.id == phase.c.cohort_id)
        .where(programme.c.organisation_id == organisation_id, phase.c.state.in_(sorted(IN_FORCE)))
        .order_by(programme.c.created_at, phase.c.position)
    )
    rows = (await tx.execute(query)).mappings()
    return tuple(PhaseWithRule(phase_of(row), rule_of(row["rule"])) for row in rows)


async def closing(tx: Transaction) -> frozenset[UUID]:
    """The organisations of phases by which passwords are closed."""
    query = (
        select(programme.c.organisation_id)
        .join(phase, phase.c.programme_id == programme.c.id)
        .where(phase.c.state.in_(sorted(PUTS_NO_MORE_OFF)), phase.c.demand["close_password"].as_boolean())
    )
    return frozenset((await tx.execute(query)).scalars())


async def standings(
    tx: Transaction, phase_ids: Collection[UUID], user_id: UUID, now: datetime
) -> Mapping[UUID, Standing]:
    """What these phases remember of a person; nothing of a phase that remembers nothing."""
    lasting = and_(
        phase_exception.c.phase_id == phase.c.id,
        phase_exception.c.user_id == user_id,
        phase_exception.c.withdrawn_at.is_(None),
        phase_exception.c.until > now,
    )
    here = and_(phase_person.c.phase_id == phase.c.id, phase_person.c.user_id == user_id)
    query = (
        select(
            phase.c.id,
            phase_person.c.user_id.is_not(None).label("taken_in"),
            phase_person.c.asked_at,
            phase_person.c.enrolled_at.is_not(None).label("enrolled"),
            phase_exception.c.until,
        )
        .select_from(phase)
        .outerjoin(phase_person, here)
        .outerjoin(phase_exception, lasting)
        .where(phase.c.id.in_(phase_ids), or_(phase_person.c.user_id.is_not(None), phase_exception.c.id.is_not(None)))
    )
    return {
        row.id: Standing(asked_at=row.asked_at, enrolled=row.enrolled, excepted_until=row.until, taken_in=row.taken_in)
        for row in await tx.execute(query)
    }


async def preview(
    tx: Transaction, organisation_id: UUID, rule: Rule, phase: Phase | None, now: datetime, limit: int
) -> Preview:
    """Whom a rule is about; `phase`: as far as its share reaches, and whom it has taken in already."""
    ready = having(phase.demand.methods) if phase is not None else false()
    hits = (
        select(user_account.c.id, user_account.c.display_name, ready.label("ready"))
        .where(about(organisation_id, rule, phase, now))
        .cte("hits")
    )
    counted = select(func.count().label("total"), func.count().filter(hits.c.ready).label("have")).subquery("counted")
    some = select(hits.c.id).order_by(hits.c.display_name, hits.c.id).limit(limit).subquery("some")
    excepted = exists().where(
        phase_exception.c.phase_id == (phase.id if phase is not None else None),
        phase_exception.c.user_id == user_account.c.id,
        phase_exception.c.withdrawn_at.is_(None),
        phase_exception.c.until > now,
    )
    kinds = {name: having_it.label(f"has_{name}") for name, having_it in HAVING.items()}
    query = (
        select(
            counted.c.total,
            counted.c.have,
            user_account.c.id,
            user_account.c.display_name,
            user_account.c.email,
            excepted.label("excepted"),
            *kinds.values(),
        )
        .select_from(counted.outerjoin(some, true()).outerjoin(user_account, user_account.c.id == some.c.id))
        .order_by(user_account.c.display_name, user_account.c.id)
    )
    rows = (await tx.execute(query)).mappings().all()
    people = tuple(
        Hit(
            row["id"],
            row["display_name"],
            row["email"] or None,
            tuple(name for name in kinds if row[f"has_{name}"]),
            row["excepted"],
        )
        for row in rows
        if row["id"] is not None
    )
    return Preview(rows[0]["total"], rows[0]["have"], people)


async def to_take_in(
    tx: Transaction, organisation_id: UUID, at: PhaseWithRule, now: datetime, after: UUID | None, limit: int
) -> tuple[Sequence[UUID], UUID | None]:
    """Of the next members of an organisation those whom a phase reaches and has not taken in yet.

    Returns also after whom to go on; None: there is nobody else.
    """
    members = select(membership.c.user_id).where(membership.c.organisation_id == organisation_id)
    if after is not None:
        members = members.where(membership.c.user_id > after)
    page = (await tx.execute(members.order_by(membership.c.user_id).limit(limit))).scalars().all()
    if not page:
        return (), None
    there = exists().where(phase_person.c.phase_id == at.phase.id, phase_person.c.user_id == user_account.c.id)
    chosen = select(user_account.c.id).where(
        user_account.c.id == any_(literal(page, ARRAY(Uuid))), reached(organisation_id, at.rule, at.phase, now), ~there
    )
    found = (await tx.execute(chosen)).scalars().all()
    return found, page[-1] if len(page) == limit else None


async def take_in(tx: Transaction, phase_id: UUID, people: Sequence[UUID], now: datetime) -> None:
    """Take people in who are not yet; until the transaction is over their accounts cannot be locked."""
    named = (
        select(literal(phase_id), user_account.c.id, literal(now))
        .where(user_account.c.id == any_(literal(list(people), ARRAY(Uuid))))
        .order_by(user_account.c.id)
    )
    names = ["phase_id", "user_id", "taken_in_at"]
    await tx.execute(upsert(phase_person).from_select(names, named, include_defaults=False).on_conflict_do_nothing())


async def ask(tx: Transaction, phase_ids: Collection[UUID], user_id: UUID, now: datetime) -> None:
    """A login asks a person for the first time: their grace runs from now; they stay in these phases."""
    if not phase_ids:
        return
    rows = [
        {"phase_id": one, "user_id": user_id, "taken_in_at": now, "asked_at": now, "skipped": 0} for one in phase_ids
    ]
    asked = upsert(phase_person).values(sorted(rows, key=lambda row: str(row["phase_id"])))
    await tx.execute(
        asked.on_conflict_do_update(
            index_elements=["phase_id", "user_id"], set_={"asked_at": now}, where=phase_person.c.asked_at.is_(None)
        )
    )


async def skipped(tx: Transaction, phase_id: UUID, user_id: UUID) -> None:
    """They put it off."""
    here = (phase_person.c.phase_id == phase_id, phase_person.c.user_id == user_id)
    await tx.execute(update(phase_person).where(*here).values(skipped=phase_person.c.skipped + 1))


async def enrolled(tx: Transaction, phase_ids: Collection[UUID], user_id: UUID, method: Method, now: datetime) -> None:
    """They set one of the methods up where a login led them to it."""
    here = (phase_person.c.phase_id.in_(phase_ids), phase_person.c.user_id == user_id)
    unmet = phase_person.c.enrolled_at.is_(None)
    await tx.execute(update(phase_person).where(*here, unmet).values(enrolled_at=now, method=method))


async def measured(tx: Transaction, phase: Phase, now: datetime) -> Measured:
    """What came of the sign-ins, by the methods that it brings, of people whom it reached, since it began, and
    what they said of it.
    """
    if phase.begun_at is None:
        return Measured()
    got_in = sign_in_history.c.outcome.in_(sorted(GOT_IN))
    query = (
        select(
            func.count().filter(got_in).label("successes"),
            func.count().filter(sign_in_history.c.outcome == "failed").label("failures"),
        )
        .select_from(sign_in_history)
        .join(phase_person, phase_person.c.user_id == sign_in_history.c.user_id)
        .where(
            phase_person.c.phase_id == phase.id,
            sign_in_history.c.at >= phase.begun_at,
            sign_in_history.c.at <= now,
            phase_progress.by_one_of(phase.demand.methods),
        )
    )
    row = (await tx.execute(query)).one()
    return Measured(row.successes, row.failures, (await phase_progress.marks(tx, phase, now)).mean)


def reached(organisation_id: UUID, rule: Rule, at: Phase, now: datetime) -> ColumnElement[bool]:
    """`idp.rollout.demands.reaches`, of a row of `idp.user_account` that may sign in."""
    return and_(_ours(organisation_id), within(at.share, at.salt), condition(rule, organisation_id, now))


def about(organisation_id: UUID, rule: Rule, at: Phase | None, now: datetime) -> ColumnElement[bool]:
    """Of a row of `idp.user_account` that may sign in: whom a rule is about, or, of a phase, also who is in it."""
    if at is None:
        return and_(_ours(organisation_id), condition(rule, organisation_id, now))
    there = exists().where(phase_person.c.phase_id == at.id, phase_person.c.user_id == user_account.c.id)
    met = and_(within(at.share, at.salt), condition(rule, organisation_id, now))
    return and_(_ours(organisation_id), or_(there, met))  # in this order their membership is a join, not a look-up each


def _ours(organisation_id: UUID) -> ColumnElement[Any]:
    """Whoever acts for this organisation: a login asks its programme alone, that of the one that they joined first."""
    earlier = membership.alias("earlier")
    before = exists().where(
        earlier.c.user_id == membership.c.user_id,
        tuple_(earlier.c.joined_at, earlier.c.organisation_id)
        < tuple_(membership.c.joined_at, membership.c.organisation_id),
    )
    belongs = exists().where(
        membership.c.user_id == user_account.c.id, membership.c.organisation_id == organisation_id, ~before
    )
    return and_(user_account.c.state == "active", belongs)
