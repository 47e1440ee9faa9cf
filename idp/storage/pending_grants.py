"""Requests that wait for a person elsewhere, in PostgreSQL (migrations 0028, 0030 and 0036)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, and_, delete, insert, select, update

from config.connections import Transaction
from idp.authorization.attempts import Recipient
from idp.grants.asking import UntoldRequest
from idp.grants.pending import PendingGrant
from idp.storage.directory_tables import user_account
from idp.storage.grant_tables import pending_grant as table
from idp.storage.protocol_tables import client

MOST_SHOWN: Final = 50
"""Requests of one person that a page shows at once."""
_LISTS: Final = ("scope", "acr_values", "resources")


async def add(tx: Transaction, pending: PendingGrant) -> None:
    """Keep a new one."""
    values = {name: getattr(pending, name) for name in PendingGrant.__slots__}
    values |= {"came_from": dict(pending.came_from)} | {name: list(values[name]) for name in _LISTS}
    values["interval"] = _seconds(pending.interval)
    await tx.execute(insert(table).values(**values))


async def claim(tx: Transaction, digest: bytes) -> PendingGrant | None:
    """The one of a client's code, locked: of two that claim it, the second sees what the first made of it."""
    return await _one(tx, select(table).where(table.c.code_hash == digest).with_for_update())


async def claim_by_user_code(tx: Transaction, digest: bytes) -> PendingGrant | None:
    """The one of what a person types, locked."""
    return await _one(tx, select(table).where(table.c.user_code_hash == digest).with_for_update())


async def by_user_code(tx: Transaction, digest: bytes) -> PendingGrant | None:
    """The same, to look at."""
    return await _one(tx, select(table).where(table.c.user_code_hash == digest))


async def waiting_for(tx: Transaction, user_id: UUID, now: datetime) -> list[PendingGrant]:
    """Those that a person may answer, the oldest first."""
    query = (
        select(table)
        .where(table.c.asked_of == user_id, table.c.state == "pending", table.c.expires_at > now)
        .order_by(table.c.created_at, table.c.request_id)
        .limit(MOST_SHOWN)
    )
    return [_pending(dict(row)) for row in (await tx.execute(query)).mappings()]


async def claim_asked(tx: Transaction, user_id: UUID, request_id: UUID) -> PendingGrant | None:
    """One that was asked of this person, locked."""
    query = select(table).where(table.c.request_id == request_id, table.c.asked_of == user_id)
    return await _one(tx, query.with_for_update())


async def by_request_id(tx: Transaction, request_id: UUID) -> PendingGrant | None:
    """One that was made behind a person's back, to look at."""
    return await _one(tx, select(table).where(table.c.request_id == request_id))


async def save(tx: Transaction, pending: PendingGrant) -> None:
    """Keep what changed in a claimed one."""
    await tx.execute(
        update(table)
        .where(table.c.code_hash == pending.code_hash)
        .values(
            interval=_seconds(pending.interval),
            polled_at=pending.polled_at,
            state=pending.state,
            user_id=pending.user_id,
            sid=pending.sid,
        )
    )


async def take_untold(tx: Transaction, limit: int, *, only: UUID | None = None) -> list[UntoldRequest]:
    """Take the mark from some that nobody else holds, or from `only` this one. Returns them, each once."""
    marked = select(table.c.code_hash, table.c.tell_as).where(table.c.tell_as.is_not(None))
    if only is not None:
        marked = marked.where(table.c.request_id == only)
    found = marked.order_by(table.c.created_at).limit(limit).with_for_update(skip_locked=True).cte("found")
    taken = (
        update(table)
        .where(table.c.code_hash == found.c.code_hash)
        .values(tell_as=None)
        .returning(*table.c, found.c.tell_as.label("told_as"))
        .cte("taken")
    )
    query = (
        select(
            taken,
            user_account.c.email.label("person_email"),
            user_account.c.display_name.label("person_name"),
            user_account.c.locale.label("person_locale"),
            client.c.name.label("client_name"),
        )
        .select_from(taken)
        .outerjoin(user_account, and_(user_account.c.id == taken.c.asked_of, user_account.c.state == "active"))
        .outerjoin(client, client.c.client_id == taken.c.client_id)
    )
    return [_untold(dict(row)) for row in (await tx.execute(query)).mappings()]


async def redeemed(tx: Transaction, digest: bytes) -> None:
    """A claimed one has led to tokens: it is gone, and nothing comes of it a second time."""
    await tx.execute(delete(table).where(table.c.code_hash == digest))


async def lapse(tx: Transaction, now: datetime, limit: int) -> list[PendingGrant]:
    """Mark those as expired whose time is over and that nobody answered. Returns them, each once."""
    over = (
        select(table.c.code_hash)
        .where(table.c.kind == "backchannel", table.c.state == "pending", table.c.expires_at <= now)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    marked = update(table).where(table.c.code_hash.in_(over)).values(state="expired").returning(table)
    return [_pending(dict(row)) for row in (await tx.execute(marked)).mappings()]


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget those that expired before a moment. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.expires_at < before))).rowcount


def _seconds(interval: timedelta) -> int:
    return int(interval.total_seconds())


async def _one(tx: Transaction, query: Select[Any]) -> PendingGrant | None:
    row = (await tx.execute(query)).mappings().one_or_none()
    return _pending(dict(row)) if row is not None else None


def _untold(values: dict[str, Any]) -> UntoldRequest:
    email, name = values.pop("person_email"), values.pop("person_name")
    locale, app, tell_as = values.pop("person_locale"), values.pop("client_name"), values.pop("told_as")
    asked_of: UUID | None = values["asked_of"]
    recipient = Recipient(user_id=asked_of, email=email, name=name, locale=locale) if asked_of and name else None
    return UntoldRequest(pending=_pending(values), tell_as=tell_as, recipient=recipient, app=app or {})


def _pending(values: dict[str, Any]) -> PendingGrant:
    values |= {name: tuple(values[name]) for name in _LISTS}
    return PendingGrant(**{**values, "interval": timedelta(seconds=values["interval"])})
