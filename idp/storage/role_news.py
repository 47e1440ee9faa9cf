"""What became of elevations, as a view of the policy's shows it, and of what people were told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, text

from config.connections import Transaction
from idp.authorization.attempts import Recipient
from idp.roles_told import LATE, OLDEST, RoleNews
from idp.storage.takeover_tables import told_elevation

_TAKE = text(
    """
    WITH news AS (
        SELECT *, CASE WHEN state = 'refused' THEN 'refused' WHEN state = 'approved' AND ends_at > :now THEN 'granted'
                       ELSE 'over' END AS what
        FROM policy.elevation_news WHERE asked_at > :since
    ), taken AS (
        INSERT INTO idp.told_elevation (elevation, told, at)
        SELECT id, what, :now FROM news
        WHERE NOT EXISTS (SELECT FROM idp.told_elevation WHERE elevation = news.id AND told = news.what)
        LIMIT :limit
        ON CONFLICT DO NOTHING
        RETURNING elevation, told
    )
    SELECT news.what, news.role, news.decided_by_name, news.decided_why, news.ends_at,
           news.ended_by = news.sub AS by_themselves, person.id, person.email, person.display_name, person.locale
    FROM taken
    JOIN news ON news.id = taken.elevation
    LEFT JOIN idp.user_account AS person ON person.id::text = news.sub AND person.state = 'active'
    """
)
_ADMINISTERS = text(
    """
    SELECT EXISTS (
        SELECT FROM policy.elevation_news
        WHERE sub = :sub AND organisation = :organisation AND role = :role AND state = 'approved' AND ends_at > :now
    )
    """
)


async def take_untold(tx: Transaction, now: datetime, limit: int) -> Sequence[RoleNews | None]:
    """Some that nobody was told of yet, each once; None for one of which nobody is to be told."""
    rows = await tx.execute(_TAKE, {"now": now, "since": now - OLDEST, "limit": limit})
    found: list[RoleNews | None] = []
    for row in rows:
        late = row.what == "over" and row.ends_at < now - LATE
        if row.id is None or late or (row.what == "over" and row.by_themselves):
            found.append(None)
            continue
        person = Recipient(user_id=row.id, email=row.email, name=row.display_name, locale=row.locale)
        news = RoleNews(
            what=row.what,
            role=row.role,
            by=row.decided_by_name,
            why=row.decided_why,
            ends_at=row.ends_at,
            recipient=person,
        )
        found.append(news)
    return found


async def holds(tx: Transaction, user_id: UUID, organisation: UUID, role: str, now: datetime) -> bool:
    """Whether somebody holds a role there for a time, at this moment."""
    asked = {"sub": str(user_id), "organisation": str(organisation), "role": role, "now": now}
    return bool(await tx.scalar(_ADMINISTERS, asked))


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget what was told so long ago. Returns how many."""
    return (await tx.execute(delete(told_elevation).where(told_elevation.c.at < before))).rowcount
