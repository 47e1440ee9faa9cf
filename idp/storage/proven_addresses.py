"""Mail addresses that people have proven to be theirs, in PostgreSQL (migration 0036).

What is kept is the address that was proven, beside the one that a person has: whoever changes the latter withdraws the
proof with it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, update

from config.connections import Transaction
from idp.storage.directory_tables import user_account


def is_proven() -> ColumnElement[bool]:
    """Whether the person of a row has proven the address that they have."""
    return func.coalesce(user_account.c.proven_email == user_account.c.email, False)


async def prove(tx: Transaction, user_id: UUID, address: str, now: datetime) -> bool:
    """Keep that a person read a secret that was sent to this address. False where it is proven already, or
    not the one that they have."""
    proven = await tx.execute(
        update(user_account)
        .where(user_account.c.id == user_id, user_account.c.email == address, ~is_proven())
        .values(proven_email=address, updated_at=now, version=user_account.c.version + 1)
        .returning(user_account.c.id)
    )
    return proven.one_or_none() is not None
