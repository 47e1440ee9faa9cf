"""Secrets that all nodes share, made once, sealed in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from config.entropy import Entropy
from config.envelope import Envelope
from idp.storage.protocol_tables import shared_secret as table


async def ensure(tx: Transaction, name: str, envelope: Envelope, entropy: Entropy, now: datetime) -> bytes:
    """The secret of a name: 43 characters of chance. Of many processes at once exactly one makes it."""
    context = f"idp.shared_secret:{name}"
    sealed = envelope.seal(entropy.token(32).encode(), context)
    # an insert that meets another waits for it, then yields
    await tx.execute(
        insert(table).values(name=name, sealed=sealed, created_at=now).on_conflict_do_nothing(index_elements=["name"])
    )
    kept = (await tx.execute(select(table.c.sealed).where(table.c.name == name))).scalar_one()
    return envelope.open(kept, context)
