"""Who got which notice of a phase, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, and_, any_, exists, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.rollout.cohorts import Rule
from idp.rollout.phases import Phase
from idp.rollout.reminders import Addressee, Moment
from idp.storage.directory_tables import organisation as organisation_table
from idp.storage.directory_tables import user_account
from idp.storage.phase_people import about
from idp.storage.rollout_cohorts import having
from idp.storage.rollout_tables import phase_exception, phase_notice, phase_person


async def untold(
    tx: Transaction,
    organisation_id: UUID,
    rule: Rule,
    phase: Phase,
    moment: Moment,
    now: datetime,
    after: UUID | None,
    limit: int,
) -> Sequence[UUID]:
    """Some behind a person whom a notice is for and who did not get it yet, by their ids.

    Whoever has an exception is not written; of a phase that was taken back, whoever was in it is.
    """
    told = exists().where(
        phase_notice.c.phase_id == phase.id,
        phase_notice.c.moment == moment.label,
        phase_notice.c.user_id == user_account.c.id,
    )
    excepted = exists().where(
        phase_exception.c.phase_id == phase.id,
        phase_exception.c.user_id == user_account.c.id,
        phase_exception.c.withdrawn_at.is_(None),
        phase_exception.c.until > now,
    )
    asked = exists().where(phase_person.c.phase_id == phase.id, phase_person.c.user_id == user_account.c.id)
    meant = asked if moment.occasion == "rolled_back" else about(organisation_id, rule, phase, now)
    those = and_(
        meant,
        user_account.c.state == "active",
        user_account.c.email.is_not(None),
        user_account.c.email != "",
        ~told,
        or_(literal(moment.occasion == "rolled_back"), ~excepted),
    )
    if after is not None:
        those = and_(those, user_account.c.id > after)
    if moment.audience == "not_ready":
        those = and_(those, ~having(phase.demand.methods))
    chosen = select(user_account.c.id).where(those).order_by(user_account.c.id).limit(limit)
    return (await tx.execute(chosen)).scalars().all()


async def take(
    tx: Transaction, phase_id: UUID, moment: Moment, people: Sequence[UUID], now: datetime
) -> Sequence[Addressee]:
    """Those of these people who are to be written, each once, whoever else asks."""
    named = select(literal(phase_id), literal(moment.label), user_account.c.id, literal(now)).where(
        user_account.c.id == any_(literal(list(people), ARRAY(Uuid))),
        user_account.c.state == "active",
        user_account.c.email.is_not(None),
    )
    taken = (
        upsert(phase_notice)
        .from_select(["phase_id", "moment", "user_id", "at"], named)
        .on_conflict_do_nothing()
        .returning(phase_notice.c.user_id)
        .cte("taken")
    )
    account = user_account.alias("person")
    query = select(account.c.id, account.c.display_name, account.c.email, account.c.locale).join(
        taken, taken.c.user_id == account.c.id
    )
    return [
        Addressee(user_id=row.id, name=row.display_name, email=row.email, locale=row.locale)
        for row in await tx.execute(query.add_cte(taken))
    ]


async def organisation(tx: Transaction, organisation_id: UUID) -> tuple[str, str]:
    """What an organisation is called, and the clock that it goes by."""
    table = organisation_table
    row = (await tx.execute(select(table.c.name, table.c.time_zone).where(table.c.id == organisation_id))).one()
    return row.name, row.time_zone
