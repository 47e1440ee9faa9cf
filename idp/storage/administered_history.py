"""What administrators changed of an organisation, from the audit, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from config.connections import Transaction
from idp.administration.documents import ChangeEntry
from idp.administration.scope import MomentCursor

_CHANGES = text(
    """
    SELECT change.id, change.at, change.actor, coalesce(person.display_name, '') AS display_name, change.details
    FROM idp.organisation_change AS change
        LEFT JOIN idp.user_account AS person ON CAST(person.id AS text) = change.actor
    WHERE change.organisation_id = :organisation_id AND (
        CAST(:at AS timestamptz) IS NULL OR (change.at, change.id) < (CAST(:at AS timestamptz), CAST(:id AS bigint))
    )
    ORDER BY change.at DESC, change.id DESC LIMIT :limit
    """
)


async def changes(
    tx: Transaction, organisation_id: UUID, *, before: MomentCursor | None, limit: int
) -> Sequence[ChangeEntry]:
    """The newest first."""
    at: datetime | None = before.at if before else None
    values = {
        "organisation_id": str(organisation_id),
        "at": at,
        "id": int(before.id) if before else None,
        "limit": limit,
    }
    return [_entry(row) for row in await tx.execute(_CHANGES, values)]


def _entry(row: Row[Any]) -> ChangeEntry:
    return ChangeEntry(
        id=row.id,
        at=row.at,
        user_id=row.actor,
        display_name=row.display_name,
        why=row.details.get("why", ""),
        changed=tuple(row.details.get("changed", ())),
    )
