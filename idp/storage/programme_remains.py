"""What a programme leaves to do, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, func, select

from config.connections import Transaction
from idp.devices.sign_in_history import GOT_IN
from idp.storage.account_tables import sign_in_history as history
from idp.storage.directory_tables import membership, user_account
from idp.storage.rollout_cohorts import having
from idp.storage.rollout_tables import phase, phase_exception


async def still_by_password(tx: Transaction, organisation_id: UUID, since: datetime) -> int:
    """How many have a passkey and signed in by their password since then."""
    ours = exists().where(membership.c.user_id == user_account.c.id, membership.c.organisation_id == organisation_id)
    by_password = exists().where(
        history.c.user_id == user_account.c.id,
        history.c.at >= since,
        history.c.outcome.in_(sorted(GOT_IN)),
        history.c.amr.contains(["pwd"]),
    )
    who = and_(user_account.c.state == "active", ours, having(("passkey",)), by_password)
    return int(await tx.scalar(select(func.count()).select_from(user_account).where(who)) or 0)


async def exceptions(tx: Transaction, programme_id: UUID, now: datetime) -> int:
    """How many hold."""
    query = (
        select(func.count())
        .select_from(phase_exception)
        .join(phase, phase.c.id == phase_exception.c.phase_id)
        .where(
            phase.c.programme_id == programme_id,
            phase_exception.c.withdrawn_at.is_(None),
            phase_exception.c.until > now,
        )
    )
    return int(await tx.scalar(query) or 0)
