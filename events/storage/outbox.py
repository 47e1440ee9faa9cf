"""The relay's side of the outbox in PostgreSQL: its lock, its epochs, and the claim of rows by deletion."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from config.connections import Transaction
from events.projection import TOMBSTONE_SECONDS, SessionState

PAGE = 250
"""Sessions of a rebuild that stand between two claims: a few hundredths of a second."""
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

_STATE = """
    SELECT sid, user_id::text AS sub, version,
        CASE WHEN ended_at IS NULL THEN 'live' ELSE 'ended' END AS state,
        extract(epoch FROM idle_expires_at)::float8 AS idle_expires_at,
        extract(epoch FROM absolute_expires_at)::float8 AS absolute_expires_at,
        end_reason AS reason, ARRAY(SELECT jsonb_object_keys(revoked_tokens)) AS revoked, ended_at
    FROM idp.session
"""
_MACHINE_STATE = """
    SELECT sid, client_id AS sub, version,
        CASE WHEN ended_at IS NULL THEN 'live' ELSE 'ended' END AS state,
        extract(epoch FROM expires_at)::float8 AS idle_expires_at,
        extract(epoch FROM expires_at)::float8 AS absolute_expires_at,
        end_reason AS reason, ARRAY(SELECT jsonb_object_keys(revoked_tokens)) AS revoked, ended_at
    FROM idp.machine_session
"""
# each walks an index that holds no other sessions: what ended long ago costs a rebuild nothing
_LIVE = text(_STATE + "WHERE ended_at IS NULL AND user_id > CAST(:after AS uuid) ORDER BY user_id LIMIT :most")
_LIVE_MACHINES = text(_MACHINE_STATE + "WHERE ended_at IS NULL AND client_id > :after ORDER BY client_id LIMIT :most")
_REVOKING = text(
    _STATE
    + "WHERE ended_at IS NULL AND revoked_tokens <> '{}' AND user_id > CAST(:after AS uuid) "
    + "ORDER BY user_id LIMIT :most"
)
_REVOKING_MACHINES = text(
    _MACHINE_STATE
    + "WHERE ended_at IS NULL AND revoked_tokens <> '{}' AND client_id > :after "
    + "ORDER BY client_id LIMIT :most"
)
_ENDED_AFTER = """
    WHERE (ended_at, sid) > (:after, :sid) AND ended_at <= :until
    ORDER BY ended_at, sid LIMIT :most
"""
_ENDED, _ENDED_MACHINES = text(_STATE + _ENDED_AFTER), text(_MACHINE_STATE + _ENDED_AFTER)
_UNSURE_SINCE = text(
    """
    SELECT now() - make_interval(secs => :tombstone) AS oldest, greatest(
        now() - make_interval(secs => :tombstone),
        least(now(), to_timestamp(:vouched)) - make_interval(secs => :slowest)
    ) AS since
    """
)
_NOBODY = "00000000-0000-0000-0000-000000000000"
_FOREVER = datetime.max.replace(tzinfo=UTC)
SLOWEST_END = 120
"""Seconds from the moment that an end bears to its commit, clocks that differ included; statements give up sooner."""


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


@dataclass(frozen=True, slots=True)
class Doubt:
    """What Valkey may not know: ends after `since`, and tombstones back to `oldest` if it lost more than its tail."""

    oldest: datetime
    since: datetime


async def doubt(connection: AsyncConnection, vouched: float | None) -> Doubt:
    """How far back a Valkey may believe that an ended session lives, if its last heartbeat vouched for `vouched`."""
    values = {"tombstone": TOMBSTONE_SECONDS, "slowest": SLOWEST_END, "vouched": vouched or 0.0}
    async with connection.begin():
        row = (await connection.execute(_UNSURE_SINCE, values)).one()
    return Doubt(row.oldest, row.since)


async def ended_sessions(
    connection: AsyncConnection, after: datetime, until: datetime = _FOREVER
) -> AsyncIterator[list[SessionState]]:
    """Every session that ended after a moment, and no later than another, by pages: people's, then programs'."""
    for query in (_ENDED, _ENDED_MACHINES):
        since, sid = after, ""
        while rows := await _page(connection, query, {"after": since, "sid": sid, "until": until}):
            yield [_state(row) for row in rows]
            since, sid = rows[-1].ended_at, rows[-1].sid


async def live_sessions(connection: AsyncConnection) -> AsyncIterator[list[SessionState]]:
    """Every session that has not ended, by pages: people's, then programs'."""
    async for page in _by_subject(connection, _LIVE, _LIVE_MACHINES):
        yield page


async def revoking_sessions(connection: AsyncConnection) -> AsyncIterator[list[SessionState]]:
    """Those of them in which tokens are revoked."""
    async for page in _by_subject(connection, _REVOKING, _REVOKING_MACHINES):
        yield page


async def _by_subject(
    connection: AsyncConnection, people: TextClause, programs: TextClause
) -> AsyncIterator[list[SessionState]]:
    for query, first in ((people, _NOBODY), (programs, "")):
        after = first
        while rows := await _page(connection, query, {"after": after}):
            yield [_state(row) for row in rows]
            after = rows[-1].sub


async def _page(connection: AsyncConnection, query: TextClause, values: Mapping[str, object]) -> Sequence[Row[Any]]:
    async with connection.begin():
        return (await connection.execute(query, {**values, "most": PAGE})).all()


def _state(row: Row[Any]) -> SessionState:
    return SessionState(
        row.sid,
        row.sub,
        row.version,
        row.state,
        row.idle_expires_at,
        row.absolute_expires_at,
        row.reason,
        tuple(row.revoked),
    )
