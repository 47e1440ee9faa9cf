"""Links of "this wasn't me" in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from config.connections import Transaction
from idp.sessions.not_me import NotMeLink
from idp.storage.end_tables import not_me_link as table

_LINK = (table.c.user_id, table.c.sid, table.c.told, table.c.expires_at)


async def add(tx: Transaction, digest: bytes, link: NotMeLink, now: datetime) -> None:
    """Keep a new link."""
    await tx.execute(insert(table).values(**_row(digest, link, now)))


async def find(tx: Transaction, digest: bytes, now: datetime) -> NotMeLink | None:
    """A link that may still be used, to look at."""
    query = select(*_LINK).where(table.c.digest == digest, table.c.used_at.is_(None), table.c.expires_at > now)
    return _link((await tx.execute(query)).mappings().one_or_none())


async def consume(tx: Transaction, digest: bytes, now: datetime) -> NotMeLink | None:
    """Use a link: of many at once exactly one gets it. None: used, over, or never made."""
    statement = (
        update(table)
        .where(table.c.digest == digest, table.c.used_at.is_(None), table.c.expires_at > now)
        .values(used_at=now)
        .returning(*_LINK)
    )
    return _link((await tx.execute(statement)).mappings().one_or_none())


async def spend(tx: Transaction, digest: bytes, link: NotMeLink, now: datetime) -> bool:
    """Keep what was used without a link as a used one: of many at once exactly one. False: it was used before."""
    used = (
        upsert(table).values(**_row(digest, link, now), used_at=now).on_conflict_do_nothing(index_elements=["digest"])
    )
    return (await tx.execute(used)).rowcount > 0


async def spent(tx: Transaction, digest: bytes) -> bool:
    """Whether it was used."""
    return bool((await tx.execute(select(exists().where(table.c.digest == digest)))).scalar_one())


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget links that were over before a moment. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.expires_at < before))).rowcount


def _row(digest: bytes, link: NotMeLink, now: datetime) -> dict[str, Any]:
    return {
        "digest": digest,
        "user_id": link.user_id,
        "sid": link.sid,
        "told": dict(link.told) if link.told is not None else None,
        "created_at": now,
        "expires_at": link.expires_at,
    }


def _link(row: Mapping[Any, Any] | None) -> NotMeLink | None:
    return NotMeLink(**row) if row is not None else None
