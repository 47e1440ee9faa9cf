"""What became of texts that a provider took, in PostgreSQL: it tells later, and to the identity provider."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from config.connections import Transaction

# a receipt may come late: what is known to have arrived, or to have failed, stays so
_NOTE = text(
    """
    UPDATE notifications.handed_over SET state = :state, problem = :problem, changed_at = :now
    WHERE message_id = :message_id AND provider = :provider AND reference = :reference
        AND state NOT IN ('delivered', 'failed')
    """
)


async def note_receipt(
    tx: Transaction, message_id: UUID, provider: str, reference: str, state: str, problem: str, now: datetime
) -> bool:
    """Keep what a provider says of a text. False: it knows of another one, or said the last word before."""
    values = {"message_id": message_id, "provider": provider, "reference": reference}
    noted = await tx.execute(_NOTE, {**values, "state": state, "problem": problem, "now": now})
    return noted.rowcount == 1
