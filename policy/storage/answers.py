"""Answers to requests with an `Idempotency-Key`, in PostgreSQL: they are there if what they tell of is."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import delete, insert, select, text, tuple_

from config.connections import Transaction
from policy.admin.idempotency import Answer
from policy.storage.tables import answer

_CLAIM = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
_AT_ONCE = 100
"""How many are deleted in one go."""


class KeptAnswers:
    """`policy.admin.idempotency.Answers`."""

    async def claim(self, tx: Transaction, who: str, key: str) -> bool:
        name = f"policy answer {len(who)} {who} {key}"
        return bool(await tx.scalar(_CLAIM, {"name": name}))

    async def find(self, tx: Transaction, who: str, key: str, since: datetime) -> Answer | None:
        query = select(answer.c.fingerprint, answer.c.status, answer.c.headers, answer.c.body).where(
            answer.c.who == who, answer.c.key == key, answer.c.at > since
        )
        row = (await tx.execute(query)).one_or_none()
        return None if row is None else Answer(**row._mapping)

    async def keep(self, tx: Transaction, who: str, key: str, told: Answer, at: datetime) -> None:
        await tx.execute(delete(answer).where(answer.c.who == who, answer.c.key == key))
        await tx.execute(insert(answer).values(who=who, key=key, at=at, **msgspec.structs.asdict(told)))

    async def forget(self, tx: Transaction, before: datetime) -> None:
        old = select(answer.c.who, answer.c.key).where(answer.c.at <= before)
        some = old.order_by(answer.c.at).limit(_AT_ONCE).with_for_update(skip_locked=True)
        await tx.execute(delete(answer).where(tuple_(answer.c.who, answer.c.key).in_(some)))
