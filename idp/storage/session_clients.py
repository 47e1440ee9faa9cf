"""Which relying parties a session has: whoever redeemed a code in it (migration 0013)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.storage.end_tables import session_client as table

_JOINED = insert(table).on_conflict_do_nothing()


async def joined(tx: Transaction, sid: str, client_id: str, now: datetime) -> None:
    """A client has tokens of this session from now on. The caller holds the session's lock, so no end is missed."""
    await tx.execute(_JOINED, {"sid": sid, "client_id": client_id, "first_at": now})
