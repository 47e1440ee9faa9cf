"""What people chose for themselves, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.directory.preferences import CHANNELS, CHOSEN, NoticeSetting
from idp.storage.account_tables import notice_setting as table
from idp.storage.directory_tables import membership, organisation, user_account
from notifications.notice import NoticeKind

HOUSE_CLOCK = "Asia/Seoul"
"""The clock of whoever belongs nowhere."""


async def wants(tx: Transaction, user_id: UUID, kind: NoticeKind) -> bool:
    """Whether a person gets this kind of notice by mail: asked by whoever queues one."""
    if kind not in CHOSEN:
        return True
    query = select(table.c.wanted).where(table.c.user_id == user_id, table.c.kind == kind, table.c.channel == "mail")
    wanted: bool | None = (await tx.execute(query)).scalar_one_or_none()
    return wanted is not False


async def notice_settings(tx: Transaction, user_id: UUID) -> list[NoticeSetting]:
    """What a person may choose, as it stands."""
    query = select(table.c.kind, table.c.channel, table.c.wanted).where(table.c.user_id == user_id)
    chosen = {(row.kind, row.channel): row.wanted for row in await tx.execute(query)}
    return [
        NoticeSetting(kind, channel, chosen.get((kind.value, channel), True)) for kind in CHOSEN for channel in CHANNELS
    ]


async def choose(tx: Transaction, user_id: UUID, setting: NoticeSetting, now: datetime) -> bool:
    """Keep a choice. False where it stood so already."""
    changing = {"wanted": setting.wanted, "changed_at": now}
    changed = await tx.execute(
        upsert(table)
        .values(user_id=user_id, kind=setting.kind.value, channel=setting.channel, **changing)
        .on_conflict_do_update(
            index_elements=["user_id", "kind", "channel"], set_=changing, where=table.c.wanted != setting.wanted
        )
        .returning(table.c.user_id)
    )
    return changed.one_or_none() is not None


async def time_zone(tx: Transaction, user_id: UUID) -> str:
    """The clock that a person reads: their own, or else that of their first organisation (an IANA name)."""
    homes = (
        select(organisation.c.time_zone)
        .join(membership, membership.c.organisation_id == organisation.c.id)
        .where(membership.c.user_id == user_id)
        .order_by(membership.c.joined_at, membership.c.organisation_id)
        .limit(1)
        .scalar_subquery()
    )
    query = select(func.coalesce(user_account.c.time_zone, homes)).where(user_account.c.id == user_id)
    return (await tx.execute(query)).scalar_one_or_none() or HOUSE_CLOCK


async def own_time_zone(tx: Transaction, user_id: UUID) -> str | None:
    """The time zone that they chose; `None`: none."""
    query = select(user_account.c.time_zone).where(user_account.c.id == user_id)
    chosen: str | None = (await tx.execute(query)).scalar_one_or_none()
    return chosen


async def speak(tx: Transaction, user_id: UUID, locale: str, time_zone: str | None, now: datetime) -> bool:
    """Keep language and time zone of a person; the version of their account rises. False where nothing changed."""
    changed = await tx.execute(
        update(user_account)
        .where(
            user_account.c.id == user_id,
            or_(user_account.c.locale != locale, user_account.c.time_zone.is_distinct_from(time_zone)),
        )
        .values(locale=locale, time_zone=time_zone, updated_at=now, version=user_account.c.version + 1)
        .returning(user_account.c.id)
    )
    return changed.one_or_none() is not None
