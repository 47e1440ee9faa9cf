"""Sign-ins under way: each is kept under the hash of its state and can be taken once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert

from config.connections import Transaction
from gateway.relying_party.pending_sign_in import PendingSignIn
from gateway.storage.tables import sign_in


class SignIns:
    """Table `gateway.sign_in`."""

    async def remember(self, tx: Transaction, pending: PendingSignIn) -> None:
        """Keep one that begins."""
        await tx.execute(
            insert(sign_in).values({name: getattr(pending, name) for name in PendingSignIn.__dataclass_fields__})
        )

    async def consume(self, tx: Transaction, state_sha256: bytes, *, now: datetime) -> PendingSignIn | None:
        """Take one: whoever comes second, or too late, gets None."""
        row = (
            await tx.execute(delete(sign_in).where(sign_in.c.state_sha256 == state_sha256).returning(sign_in))
        ).one_or_none()
        return PendingSignIn(**row._mapping) if row is not None and row.expires_at > now else None

    async def forget_over(self, tx: Transaction, *, now: datetime) -> int:
        """Drop those that nobody finished; says how many."""
        return (await tx.execute(delete(sign_in).where(sign_in.c.expires_at <= now))).rowcount
