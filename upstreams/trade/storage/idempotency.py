"""Idempotency keys in PostgreSQL: claimed in the transaction that does what was asked."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from config.direct import Statement
from upstreams.trade.idempotency import Earlier, same_request
from upstreams.trade.storage.tables import TradeTables

_CLAIMED = attrgetter("person", "key", "digest", "result", "at")


class StoredIdempotencyKeys:
    """`trade.idempotency.IdempotencyKeys` in one service's schema."""

    def __init__(self, tables: TradeTables) -> None:
        self._keys = tables.idempotency
        keys = self._keys.c
        self._claim = Statement(
            insert(self._keys)
            .values({column: sa.bindparam(f"used_{column.name}", type_=column.type) for column in _CLAIMED(keys)})
            .on_conflict_do_nothing()
            .returning(keys.key)
        )

    async def claim(
        self, tx: Transaction, person: UUID, key: str, digest: bytes, now: datetime, *, result: UUID | None = None
    ) -> Earlier | None:
        """None to the one who may go on; what was given before to whoever comes later, after waiting for the first.

        `result`: what the key gives, where that is known before.

        Raises the problem `KEY_REUSED` where the key stands for another request.
        """
        mine = await self._claim.rows(
            tx, used_person=person, used_key=key, used_digest=digest, used_result=result, used_at=now
        )
        return None if mine else await self.earlier(tx, person, key, digest)

    async def earlier(self, tx: Transaction, person: UUID, key: str, digest: bytes) -> Earlier | None:
        """What this key gave; None where it was never used. Raises `KEY_REUSED`."""
        row = (
            await tx.execute(
                sa.select(self._keys.c.digest, self._keys.c.result, self._keys.c.refusal).where(
                    self._keys.c.person == person, self._keys.c.key == key
                )
            )
        ).one_or_none()
        return same_request(Earlier(row.digest, row.result, row.refusal), digest) if row else None

    async def settle(
        self, tx: Transaction, person: UUID, key: str, *, result: UUID | None = None, refusal: str | None = None
    ) -> None:
        """What this key gave."""
        await tx.execute(
            sa.update(self._keys)
            .values(result=result, refusal=refusal)
            .where(self._keys.c.person == person, self._keys.c.key == key)
        )
