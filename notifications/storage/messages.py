"""Messages in PostgreSQL: claimed one at a time for a short while, so that no transaction is open while a mail goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Update, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from notifications.notice import Channel
from notifications.storage.tables import handed_over, message

LEASE = timedelta(seconds=60)
"""How long a claim lasts: longer than one attempt may take, short enough to mend a crash soon."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is this worker's until `claimed_until`."""

    id: UUID
    kind: str
    user_id: UUID | None
    locale: str
    sealed: bytes
    attempts: int
    """This one included."""
    created_at: datetime
    expires_at: datetime
    claimed_until: datetime
    correlation_id: str


async def claim(tx: Transaction, now: datetime, claimed_until: datetime, channel: Channel = "mail") -> Claimed | None:
    """The message of a channel that is due longest, ours until `claimed_until`; others see it then, as if we had
    died."""
    due = (
        select(message.c.id)
        .where(message.c.state == "queued", message.c.next_attempt_at <= now, message.c.expires_at > now)
        .where(message.c.channel == channel)
        .order_by(message.c.next_attempt_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(message)
        .where(message.c.id == due.scalar_subquery())
        .values(next_attempt_at=claimed_until, attempts=message.c.attempts + 1)
        .returning(
            message.c.id,
            message.c.kind,
            message.c.user_id,
            message.c.locale,
            message.c.sealed,
            message.c.attempts,
            message.c.created_at,
            message.c.expires_at,
            message.c.next_attempt_at.label("claimed_until"),
            message.c.correlation_id,
        )
    )
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else Claimed(**row._mapping)


async def mark_sent(tx: Transaction, message_id: UUID, now: datetime) -> None:
    """The server took it. What it said is forgotten, and it is never sent again, whosever it is by now."""
    await tx.execute(
        update(message)
        .where(message.c.id == message_id, message.c.state == "queued")
        .values(state="sent", sealed=None, finished_at=now, last_error=None)
    )


async def note_reference(tx: Transaction, message_id: UUID, provider: str, reference: str, now: datetime) -> None:
    """What a provider calls a message that it took; it says later what became of that one."""
    values = {"provider": provider, "reference": reference, "state": "taken", "problem": "", "changed_at": now}
    statement = insert(handed_over).values(message_id=message_id, **values)
    await tx.execute(statement.on_conflict_do_update(index_elements=["message_id"], set_=values))


async def put_off(tx: Transaction, claimed: Claimed, until: datetime, why: str, *, counts: bool) -> None:
    """Try again at `until`, if the message is still ours."""
    attempts = claimed.attempts if counts else claimed.attempts - 1
    await tx.execute(_ours(claimed).values(next_attempt_at=until, attempts=attempts, last_error=why))


async def bury(tx: Transaction, claimed: Claimed, now: datetime, why: str) -> None:
    """A dead letter, if the message is still ours. It stays sealed, so that it can be tried again until it expires."""
    await tx.execute(_ours(claimed).values(state="dead", finished_at=now, last_error=why))


async def bury_expired(tx: Transaction, now: datetime) -> Mapping[Channel, int]:
    """Make dead letters of those that were not sent in time, whoever carries them or nobody, and forget what dead ones
    said. Returns how many died, by channel.
    """
    expired = message.c.expires_at <= now
    died = await tx.execute(
        update(message)
        .where(message.c.state == "queued", expired, message.c.next_attempt_at <= now)
        .values(state="dead", sealed=None, finished_at=now, last_error="expired")
        .returning(message.c.channel)
    )
    await tx.execute(
        update(message).where(message.c.state == "dead", expired, message.c.sealed.is_not(None)).values(sealed=None)
    )
    return Counter(died.scalars())


async def delete_finished(tx: Transaction, before: datetime) -> None:
    """Delete what was finished before a moment."""
    await tx.execute(delete(message).where(message.c.state != "queued", message.c.finished_at < before))


async def waiting(tx: Transaction, channel: Channel = "mail") -> tuple[int, datetime | None]:
    """How many messages of a channel wait, and when the next of them is due."""
    query = select(func.count(), func.min(message.c.next_attempt_at)).where(
        message.c.state == "queued", message.c.channel == channel
    )
    row = (await tx.execute(query)).one()
    return int(row[0]), row[1]


def _ours(claimed: Claimed) -> Update:
    return update(message).where(
        message.c.id == claimed.id,
        message.c.state == "queued",
        message.c.next_attempt_at == claimed.claimed_until,
    )
