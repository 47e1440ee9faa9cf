"""People as support sees them, and what it asked for them, in PostgreSQL: always within a scope."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.administration.scope import ADMINISTRATOR, SUPPORT
from idp.administration.support_documents import ExceptionAsked
from idp.rollout.phases import Method
from idp.rollout.support import AGAIN, SetUp
from idp.storage.approval_tables import approval_device
from idp.storage.directory_tables import membership, organisation, passkey, password, totp, user_account
from idp.storage.phone_tables import phone
from idp.storage.progress_tables import exception_request as table
from idp.storage.recovery_code_tables import recovery_code
from idp.storage.rollout_cohorts import HAVING
from idp.storage.rollout_tables import phase, phase_notice, programme

_BY_SUPPORT = "support@"
"""Begins the label of a notice that support had sent."""


async def supported_by(tx: Transaction, user_id: UUID) -> frozenset[UUID]:
    """The organisations whose people somebody who may sign in supports, or administers."""
    query = (
        select(membership.c.organisation_id)
        .join(user_account, user_account.c.id == membership.c.user_id)
        .where(
            membership.c.user_id == user_id,
            membership.c.roles.overlap([SUPPORT, ADMINISTRATOR]),
            user_account.c.state == "active",
        )
    )
    return frozenset((await tx.execute(query)).scalars())


async def set_up(tx: Transaction, user_id: UUID) -> tuple[SetUp, ...]:
    """What somebody has set up."""
    since = await tx.scalar(select(password.c.changed_at).where(password.c.user_id == user_id))
    apps = select(func.count(), func.min(totp.c.confirmed_at)).where(
        totp.c.user_id == user_id, totp.c.confirmed_at.is_not(None)
    )
    keys = select(func.count(), func.min(passkey.c.created_at), func.max(passkey.c.last_used_at)).where(
        passkey.c.user_id == user_id
    )
    devices = select(
        func.count(), func.min(approval_device.c.created_at), func.max(approval_device.c.last_used_at)
    ).where(approval_device.c.user_id == user_id)
    number = select(phone.c.confirmed_at).where(phone.c.user_id == user_id, phone.c.confirmed_at.is_not(None))
    codes = select(func.count(), func.min(recovery_code.c.made_at)).where(recovery_code.c.user_id == user_id)
    found = [SetUp(kind="password", count=1, since=since)] if since is not None else []
    count, first = (await tx.execute(apps)).one()
    found += [SetUp(kind="totp", count=count, since=first)] if count else []
    count, first, last = (await tx.execute(keys)).one()
    found += [SetUp(kind="passkey", count=count, since=first, last_used_at=last)] if count else []
    count, first, last = (await tx.execute(devices)).one()
    found += [SetUp(kind="push", count=count, since=first, last_used_at=last)] if count else []
    proven = await tx.scalar(number)
    found += [SetUp(kind="sms", count=1, since=proven)] if proven is not None else []
    count, first = (await tx.execute(codes)).one()
    found += [SetUp(kind="recovery_codes", count=count, since=first)] if count else []
    return tuple(found)


async def has(tx: Transaction, user_id: UUID) -> frozenset[Method]:
    """The methods of phases that somebody has."""
    query = select(*(having.label(method) for method, having in HAVING.items())).where(user_account.c.id == user_id)
    row = (await tx.execute(query)).mappings().one()
    return frozenset(method for method in HAVING if row[method])


async def organisations_of(tx: Transaction, user_id: UUID, scope: Collection[UUID]) -> Sequence[tuple[UUID, str, str]]:
    """The organisations of a person within a scope: id, name and clock."""
    query = (
        select(organisation.c.id, organisation.c.name, organisation.c.time_zone)
        .join(membership, membership.c.organisation_id == organisation.c.id)
        .where(membership.c.user_id == user_id, organisation.c.id.in_(scope))
        .order_by(organisation.c.name)
    )
    return [(row.id, row.name, row.time_zone) for row in await tx.execute(query)]


async def written_lately(tx: Transaction, user_id: UUID, now: datetime) -> frozenset[UUID]:
    """The phases of which support had somebody written within `AGAIN`."""
    query = select(phase_notice.c.phase_id).where(
        phase_notice.c.user_id == user_id,
        phase_notice.c.moment.startswith(_BY_SUPPORT),
        phase_notice.c.at > now - AGAIN,
    )
    return frozenset((await tx.execute(query)).scalars())


async def note_written(tx: Transaction, phase_id: UUID, user_id: UUID, now: datetime) -> None:
    """Support has somebody written of a phase now."""
    moment = f"{_BY_SUPPORT}{now.isoformat(timespec='seconds')}"
    row = {"phase_id": phase_id, "user_id": user_id, "moment": moment, "at": now}
    await tx.execute(upsert(phase_notice).values(**row).on_conflict_do_nothing())


async def waiting_of(tx: Transaction, user_id: UUID) -> frozenset[UUID]:
    """The phases for which an exception waits that somebody asked for."""
    query = select(table.c.phase_id).where(table.c.user_id == user_id, table.c.decided_at.is_(None))
    return frozenset((await tx.execute(query)).scalars())


async def ask(
    tx: Transaction, *, ident: UUID, phase_id: UUID, user_id: UUID, until: datetime, why: str, who: str, now: datetime
) -> bool:
    """Keep that an exception is asked for. False: one waits already."""
    unmet = exists().where(table.c.phase_id == phase_id, table.c.user_id == user_id, table.c.decided_at.is_(None))
    if await tx.scalar(select(unmet)):
        return False
    row = {"id": ident, "phase_id": phase_id, "user_id": user_id, "until": until, "why": why, "who": who}
    kept = upsert(table).values(**row, asked_at=now).on_conflict_do_nothing().returning(table.c.id)
    return (await tx.execute(kept)).one_or_none() is not None


async def asked(
    tx: Transaction, programme_id: UUID, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[ExceptionAsked]:
    """Exceptions that were asked for in a programme, the newest first."""
    query = (
        select(table, user_account.c.display_name)
        .join(phase, phase.c.id == table.c.phase_id)
        .join(user_account, user_account.c.id == table.c.user_id)
        .where(phase.c.programme_id == programme_id)
        .order_by(table.c.asked_at.desc(), table.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(table.c.asked_at, table.c.id) < tuple_(*before))
    return [ExceptionAsked(**row) for row in (await tx.execute(query)).mappings()]


async def decide(
    tx: Transaction, programme_id: UUID, ident: UUID, who: str, now: datetime, *, granted: bool
) -> ExceptionAsked | None:
    """Keep what an administrator decided. None: there is none that waits."""
    of = (
        select(phase.c.id).join(programme, programme.c.id == phase.c.programme_id).where(programme.c.id == programme_id)
    )
    decided = (
        update(table)
        .where(table.c.id == ident, table.c.decided_at.is_(None), table.c.phase_id.in_(of))
        .values(decided_at=now, decided_by=who, granted=granted)
        .returning(*table.c)
        .cte("decided")
    )
    query = select(decided, user_account.c.display_name).join(user_account, user_account.c.id == decided.c.user_id)
    row = (await tx.execute(query)).mappings().one_or_none()
    return ExceptionAsked(**row) if row is not None else None
