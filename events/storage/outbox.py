"""The relay's side of the outbox in PostgreSQL: its lock, its epochs, and the claim of rows by deletion."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from config.connections import Transaction
from events.projection import TOMBSTONE_SECONDS, SessionState

PAGE = 1000
_LOCK = 0x6D756E6A69676901
"""The advisory lock of the one relay of a database ("munjigi" and a number)."""

# A relay that is stopped or cut off loses its connection, and with it the lock, soon; polling keeps a healthy one
# awake.
_GIVE_UP_WHEN_SILENT = (
    "SET idle_session_timeout = '2s'",
    "SET idle_in_transaction_session_timeout = '2s'",
    "SET statement_timeout = '10s'",
)

# now() is the moment of BEGIN, and each statement of a READ COMMITTED transaction takes its snapshot after that:
# whatever was committed before now() is seen here. A row that commits later, whatever its id, is simply in a later
# claim.
_CLAIM = text(
    """
    WITH claimed AS (
        DELETE FROM events.outbox
        WHERE id IN (SELECT id FROM events.outbox ORDER BY id LIMIT :most)
        RETURNING id, topic, payload::text AS payload, extract(epoch FROM at)::float8 AS at
    )
    SELECT extract(epoch FROM now())::float8 AS before, claimed.id, topic, payload, at
    FROM (SELECT 1) AS one LEFT JOIN claimed ON true
    ORDER BY claimed.id
    """
)

_SESSIONS = text(
    """
    SELECT sid, user_id::text AS sub, version,
        CASE WHEN ended_at IS NULL THEN 'live' ELSE 'ended' END AS state,
        extract(epoch FROM idle_expires_at)::float8 AS idle_expires_at,
        extract(epoch FROM absolute_expires_at)::float8 AS absolute_expires_at,
        end_reason AS reason
    FROM idp.session
    WHERE (ended_at IS NULL OR ended_at > now() - make_interval(secs => :tombstone)) AND sid > :after
    ORDER BY sid LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class ClaimedEvent:
    """A row that is gone from the outbox if the claim's transaction commits."""

    topic: str
    payload: str
    at: float


@dataclass(frozen=True, slots=True)
class Claim:
    """Rows in order of their ids, and the moment (epoch seconds) before which everything committed was seen."""

    before: float
    events: Sequence[ClaimedEvent]


async def try_lock(connection: AsyncConnection) -> bool:
    """Become the one relay, as long as this connection lives; False while another is."""
    async with connection.begin():
        for statement in _GIVE_UP_WHEN_SILENT:
            await connection.execute(text(statement))
        return bool(await connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}))


async def next_epoch(connection: AsyncConnection, *, above: int = 0) -> int:
    """An epoch higher than any before, and than `above`: Valkey may remember more than a restored database."""
    async with connection.begin():
        if above:
            await connection.execute(
                text("SELECT setval('events.epoch', :above) FROM events.epoch WHERE last_value < :above"),
                {"above": above},
            )
        epoch = await connection.scalar(text("SELECT nextval('events.epoch')"))
    assert isinstance(epoch, int)
    return epoch


async def claim(tx: Transaction, most: int) -> Claim:
    """Take up to `most` committed rows, oldest first; they are gone when `tx` commits."""
    rows = (await tx.execute(_CLAIM, {"most": most})).all()
    return Claim(
        rows[0].before,
        [ClaimedEvent(row.topic, row.payload, row.at) for row in rows if row.id is not None],
    )


async def sessions(connection: AsyncConnection) -> AsyncIterator[list[SessionState]]:
    """Every session that lives or ended within a tombstone's time, by the thousand.

    Those that ended come too: a Valkey that lost its last second may hold one as live.
    """
    after = ""
    while True:
        async with connection.begin():
            rows = await connection.execute(_SESSIONS, {"tombstone": TOMBSTONE_SECONDS, "after": after, "most": PAGE})
            found = [SessionState(**row._mapping) for row in rows]
        if not found:
            return
        yield found
        after = found[-1].sid
