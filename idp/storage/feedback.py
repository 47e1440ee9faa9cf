"""What people say of signing in, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, insert, select, tuple_

from config.connections import Transaction
from idp.rollout.feedback import Marks
from idp.rollout.methods import Method
from idp.storage.progress_tables import feedback as table


async def asked_since(tx: Transaction, user_id: UUID, method: Method, since: datetime) -> bool:
    """Whether a person answered about a way in, or did not want to, since then."""
    found = exists().where(table.c.user_id == user_id, table.c.method == method, table.c.at > since)
    return bool(await tx.scalar(select(found)))


async def add(
    tx: Transaction,
    *,
    ident: UUID,
    user_id: UUID,
    organisation_id: UUID,
    method: Method,
    at: datetime,
    score: int | None,
    sealed_text: bytes | None,
) -> None:
    """Keep an answer; no score: they did not want to say."""
    await tx.execute(
        insert(table).values(
            id=ident,
            user_id=user_id,
            organisation_id=organisation_id,
            method=method,
            at=at,
            score=score,
            sealed_text=sealed_text,
        )
    )


async def page(
    tx: Transaction, scope: Collection[UUID], *, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[tuple[UUID, UUID, Method, datetime, int, bytes | None]]:
    """Id, organisation, method, moment, score and sealed text, the newest first."""
    query = (
        select(table.c.id, table.c.organisation_id, table.c.method, table.c.at, table.c.score, table.c.sealed_text)
        .where(table.c.organisation_id.in_(scope), table.c.score.is_not(None))
        .order_by(table.c.at.desc(), table.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(table.c.at, table.c.id) < tuple_(*before))
    return [tuple(row) for row in await tx.execute(query)]


async def marks(tx: Transaction, scope: Collection[UUID], since: datetime) -> Mapping[Method, Marks]:
    """Which marks each way in got."""
    query = (
        select(table.c.method, table.c.score, func.count())
        .where(table.c.organisation_id.in_(scope), table.c.score.is_not(None), table.c.at >= since)
        .group_by(table.c.method, table.c.score)
    )
    found: dict[Method, dict[int, int]] = {}
    for method, score, count in await tx.execute(query):
        found.setdefault(method, {})[score] = count
    return {method: Marks(counts) for method, counts in sorted(found.items())}


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget what was said before a moment. Returns how many rows are gone."""
    return (await tx.execute(delete(table).where(table.c.at < before))).rowcount
