"""Attempts and abandoned logins in PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.authorization.abandoned import AbandonedLogin, LiveSession
from idp.authorization.attempts import Recipient
from idp.storage import logins
from idp.storage.directory_tables import session, user_account
from idp.storage.protocol_tables import login
from idp.storage.takeover_tables import told_attempt


async def may_tell(tx: Transaction, sid: str, device: str, now: datetime, every: timedelta) -> bool:
    """Note that a session's person is told of a device now. False: they were, less than `every` ago."""
    told = await tx.execute(
        insert(told_attempt)
        .values(sid=sid, device=device, told_at=now)
        .on_conflict_do_update(
            index_elements=[told_attempt.c.sid, told_attempt.c.device],
            set_={"told_at": now},
            where=told_attempt.c.told_at <= now - every,
        )
        .returning(told_attempt.c.sid)
    )
    return told.one_or_none() is not None


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget whom was told before a moment: long enough ago that it holds nothing back. Returns how many."""
    return (await tx.execute(delete(told_attempt).where(told_attempt.c.told_at <= before))).rowcount


async def take_abandoned(tx: Transaction, now: datetime, limit: int) -> list[AbandonedLogin]:
    """Some logins past their time whose person was authenticated and that nobody else holds; they are forgotten."""
    chosen = (
        select(login.c.id)
        .where(login.c.expires_at <= now, login.c.user_id.is_not(None))
        .order_by(login.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone = delete(login).where(login.c.id.in_(chosen)).returning(*login.c).cte("gone")
    query = (
        select(
            gone,
            user_account.c.email.label("person_email"),
            user_account.c.display_name.label("person_name"),
            user_account.c.locale.label("person_locale"),
            session.c.sid.label("live_sid"),
            session.c.device_id.label("live_device"),
            session.c.created_at.label("live_begun_at"),
        )
        .select_from(gone)
        .outerjoin(user_account, user_account.c.id == gone.c.user_id)
        .outerjoin(
            session,
            (session.c.user_id == gone.c.user_id) & session.c.ended_at.is_(None) & (session.c.idle_expires_at > now),
        )
    )
    found = []
    for row in (await tx.execute(query)).mappings():
        values = dict(row)
        name = values.pop("person_name")
        email, locale = values.pop("person_email"), values.pop("person_locale")
        sid, device, begun_at = values.pop("live_sid"), values.pop("live_device"), values.pop("live_begun_at")
        taken = logins.from_row(values)
        assert taken.user_id is not None
        recipient = (
            Recipient(user_id=taken.user_id, email=email, name=name, locale=locale) if name is not None else None
        )
        found.append(AbandonedLogin(taken, recipient, LiveSession(sid, device, begun_at) if sid is not None else None))
    return found
