"""Dead letters in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from config.connections import Transaction
from upstreams.reservation.dead_letters import DeadLetter
from upstreams.reservation.storage.tables import dead_letter, request, waiting


class StoredDeadLetters:
    """`reservation.dead_letters.DeadLetters` in schema `reservation`."""

    async def list(self, tx: Transaction, *, before: int | None = None, limit: int = 50) -> Sequence[DeadLetter]:
        """The newest first; from one on where its number is given."""
        letter = dead_letter.c
        query = (
            sa.select(
                letter.id, letter.request, request.c.person, letter.error, letter.sqlstate, letter.buried_at,
                letter.retried_at, letter.retried_by,
            )
            .join(request, request.c.id == letter.request)
            .order_by(letter.id.desc())
            .limit(limit)
        )  # fmt: skip
        if before is not None:
            query = query.where(letter.id < before)
        return [DeadLetter(*row) for row in await tx.execute(query)]

    async def retry(self, tx: Transaction, ident: int, by: UUID, now: datetime) -> tuple[UUID, UUID, int] | None:
        """Have one tried again: its request is queued as if it came now. Answers request, person and shard.

        None where there is none, or somebody had it tried again before.
        """
        found = await tx.scalar(
            sa.update(dead_letter)
            .values(retried_at=now, retried_by=by)
            .where(dead_letter.c.id == ident, dead_letter.c.retried_at.is_(None))
            .returning(dead_letter.c.request)
        )
        if found is None:
            return None
        row = (
            await tx.execute(
                sa.update(request)
                .values(state="queued", refusal=None, decided_at=None, acknowledged_at=None)
                .where(request.c.id == found, request.c.state == "dead")
                .returning(request.c.id, request.c.arrival, request.c.shard, request.c.person, request.c.requested_at)
            )
        ).one_or_none()
        if row is None:
            return None
        await tx.execute(
            sa.insert(waiting).values(
                request=row.id,
                arrival=row.arrival,
                shard=row.shard,
                person=row.person,
                requested_at=row.requested_at,
                enqueued_at=now,
            )
        )
        return row.id, row.person, row.shard
