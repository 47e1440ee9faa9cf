"""Deliveries in PostgreSQL: written with the end, claimed by workers under a lease, settled once (migration 0013)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, delete, insert, text, update

from config.connections import Transaction
from idp.sessions.delivery import Claimed, Delivery, Happening, Outcome, Recipient
from idp.sessions.signals.changes import Subscriber
from idp.sessions.signals.stream import SCOPE, SCOPE_OF_ALL
from idp.storage.end_tables import delivery as table

# Whose ends a stream's client may hear of (docs/how-to/receive-shared-signals.md): those of its own organisation, and
# everybody's only for a client of the house itself that was given the scope for it.
_STREAMS = """
    idp.signal_stream AS stream JOIN idp.client AS client ON client.client_id = stream.client_id
    LEFT JOIN idp.client_home AS home ON home.client_id = stream.client_id
"""
_MAY_HEAR = f"'{SCOPE}' = ANY (client.scopes)"
_OF_ALL = f"home.organisation_id IS NULL AND '{SCOPE_OF_ALL}' = ANY (client.scopes)"
_THEIRS = """(
    {of_all}
    OR {organisation} = CAST(home.organisation_id AS text)
    OR EXISTS (
        SELECT FROM idp.membership AS member
        WHERE member.organisation_id = home.organisation_id AND member.user_id = {person}
    )
)"""
# Of a delivery that is there already it is asked again: the client, or the person, may have moved since. Facts that
# nobody can read are let through, for whoever carries them to see. Only a session's facts have `org`: of anything else
# hears who has the person for a member.
_STILL_THEIRS = (
    "(COALESCE(facts->>'happening', '') <> ALL (ARRAY['{ended}', '{credential}', '{device}']) OR {theirs})".format(
        ended=Happening.SESSION_ENDED.value,
        credential=Happening.CREDENTIAL_CHANGED.value,
        device=Happening.DEVICE_COMPLIANCE_CHANGED.value,
        theirs=_THEIRS.format(
            of_all=_OF_ALL,
            organisation="facts->>'org'",
            person="CASE WHEN facts->>'sub' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' "
            "THEN CAST(facts->>'sub' AS uuid) END",
        ),
    )
)

_CONCERNED = """
    SELECT client.client_id, CAST(NULL AS uuid) AS stream_id
    FROM idp.session_client AS joined JOIN idp.client AS client ON client.client_id = joined.client_id
    WHERE joined.sid = :sid AND client.backchannel_logout_uri IS NOT NULL
    UNION ALL
    SELECT stream.client_id, stream.id FROM {streams}
    WHERE stream.status <> 'disabled' AND :event = ANY (stream.events_requested) AND {may_hear} AND {theirs}
        AND NOT EXISTS (
            SELECT FROM idp.signal_removed_subject AS removed
            WHERE removed.stream_id = stream.id AND removed.user_id = :user_id
        )
"""
_RECIPIENTS = text(
    _CONCERNED.format(
        streams=_STREAMS,
        may_hear=_MAY_HEAR,
        theirs=_THEIRS.format(
            of_all=_OF_ALL,
            organisation="(SELECT CAST(organisation_id AS text) FROM idp.session WHERE sid = :sid)",
            person=":user_id",
        ),
    )
)

_HEARING = """
    SELECT stream.client_id, stream.id AS stream_id, COALESCE(home.organisation_id, (
        SELECT organisation_id FROM idp.membership WHERE user_id = :user_id
        ORDER BY joined_at, organisation_id LIMIT 1
    )) AS organisation_id
    FROM {streams}
    WHERE stream.status <> 'disabled' AND :event = ANY (stream.events_requested) AND {may_hear} AND {theirs}
        AND NOT EXISTS (
            SELECT FROM idp.signal_removed_subject AS removed
            WHERE removed.stream_id = stream.id AND removed.user_id = :user_id
        )
"""
_SUBSCRIBERS = text(
    _HEARING.format(
        streams=_STREAMS,
        may_hear=_MAY_HEAR,
        theirs=_THEIRS.format(of_all=_OF_ALL, organisation="CAST(NULL AS text)", person=":user_id"),
    )
)

# The addresses that name the sector of a client with pairwise subjects; NULL where it has public ones.
_SECTOR = """CASE WHEN client.metadata ->> 'subject_type' IS DISTINCT FROM 'pairwise' THEN NULL
    WHEN client.metadata ->> 'sector_identifier_uri' IS NULL THEN client.redirect_uris
    ELSE ARRAY[client.metadata ->> 'sector_identifier_uri'] END"""

# Each recipient gives a few at most, so that a dead one with a long queue fills no batch.
_CLAIM = """
    WITH found AS MATERIALIZED (
        SELECT due.id, {address} AS address, {sealed} AS sealed_authorization, {sector} AS sector,
            client.organisation_id IS NULL AND client.registration_token_hash IS NULL AS vouched
        FROM {recipients} CROSS JOIN LATERAL (
            SELECT id FROM idp.delivery
            WHERE {theirs} AND settled_at IS NULL AND due_at <= :now
            ORDER BY due_at LIMIT :each FOR UPDATE SKIP LOCKED
        ) AS due
        WHERE {id} <> ALL (:leaving_out) {only}
        LIMIT :limit
    )
    UPDATE idp.delivery AS delivery SET attempts = delivery.attempts + 1, due_at = :lease
    FROM found WHERE delivery.id = found.id
    RETURNING delivery.id, delivery.client_id, delivery.stream_id, delivery.facts, delivery.happened_at,
        delivery.attempts, found.address, found.sealed_authorization, found.sector, found.vouched
"""
_CLAIM_LOGOUTS = text(
    _CLAIM.format(
        recipients="idp.client AS client",
        id="client.client_id",
        theirs="client_id = client.client_id AND stream_id IS NULL",
        only="",
        address="client.backchannel_logout_uri",
        sealed="CAST(NULL AS bytea)",
        sector=_SECTOR,
    )
)
_CLAIM_PUSHES = text(
    _CLAIM.format(
        recipients=_STREAMS,
        id="stream.id",
        theirs=f"stream_id = stream.id AND {_STILL_THEIRS}",
        only=f"AND stream.method = 'push' AND stream.status = 'enabled' AND {_MAY_HEAR}",
        address="stream.endpoint_url",
        sealed="stream.sealed_authorization",
        sector=_SECTOR,
    )
)
_UNACKNOWLEDGED = """
    SELECT waiting.* FROM {streams} CROSS JOIN LATERAL (
        SELECT id, client_id, stream_id, facts, happened_at, attempts, due_at FROM idp.delivery
        WHERE stream_id = stream.id AND settled_at IS NULL AND {still_theirs}
        ORDER BY due_at, id LIMIT :limit
    ) AS waiting
    WHERE stream.id = :stream_id AND {may_hear}
    ORDER BY waiting.due_at, waiting.id
"""
_WAITING = text(_UNACKNOWLEDGED.format(streams=_STREAMS, still_theirs=_STILL_THEIRS, may_hear=_MAY_HEAR))


async def recipients(tx: Transaction, sid: str, user_id: UUID, event: str) -> Sequence[Recipient]:
    """Whom the end of this person's session concerns; `event` is what a stream must have asked for."""
    rows = await tx.execute(_RECIPIENTS, {"sid": sid, "user_id": user_id, "event": event})
    return [Recipient(row.client_id, row.stream_id) for row in rows]


async def subscribers(tx: Transaction, user_id: UUID, event: str) -> Sequence[Subscriber]:
    """Which streams hear of this person, and of the organisation in which they do."""
    rows = await tx.execute(_SUBSCRIBERS, {"user_id": user_id, "event": event})
    return [
        Subscriber(Recipient(row.client_id, row.stream_id), row.organisation_id)
        for row in rows
        if row.organisation_id is not None
    ]


async def add(tx: Transaction, deliveries: Sequence[Delivery]) -> None:
    """Keep deliveries, due at once."""
    rows = [
        {
            "id": one.id,
            "client_id": one.recipient.client_id,
            "stream_id": one.recipient.stream_id,
            "facts": dict(one.facts),
            "happened_at": one.happened_at,
            "due_at": one.happened_at,
            "attempts": 0,
            "problem": "",
        }
        for one in deliveries
    ]
    await tx.execute(insert(table), rows)


async def claim_logouts(
    tx: Transaction, now: datetime, lease: datetime, leaving_out: Collection[str], *, each: int, limit: int
) -> list[Claimed]:
    """Logouts that are due, of at most `each` for one client, held until `lease` against everybody else."""
    return await _claim(tx, _CLAIM_LOGOUTS, now, lease, list(leaving_out), each, limit)


async def claim_pushes(
    tx: Transaction, now: datetime, lease: datetime, leaving_out: Collection[UUID], *, each: int, limit: int
) -> list[Claimed]:
    """Security events that are due on streams that are pushed, likewise."""
    return await _claim(tx, _CLAIM_PUSHES, now, lease, list(leaving_out), each, limit)


async def waiting(tx: Transaction, stream_id: UUID, limit: int) -> list[Delivery]:
    """What a stream that is polled has not acknowledged yet, oldest first."""
    return [_delivery(row) for row in (await tx.execute(_WAITING, {"stream_id": stream_id, "limit": limit})).mappings()]


async def settle(tx: Transaction, claimed: Delivery, outcome: Outcome, problem: str, now: datetime) -> bool:
    """A claimed delivery is done with. False where the lease was lost and somebody else has it."""
    return await _set(tx, claimed, settled_at=now, outcome=outcome, problem=problem)


async def put_off(tx: Transaction, claimed: Delivery, until: datetime, problem: str) -> bool:
    """A claimed delivery is tried again later. False likewise."""
    return await _set(tx, claimed, due_at=until, problem=problem)


async def acknowledge(
    tx: Transaction, stream_id: UUID, ids: Collection[UUID], outcome: Outcome, problem: str, now: datetime
) -> list[datetime]:
    """The receiver of a polled stream has taken these, or refused them. Returns the moments of what they told of."""
    statement = (
        update(table)
        .where(table.c.stream_id == stream_id, table.c.id.in_(ids), table.c.settled_at.is_(None))
        .values(settled_at=now, outcome=outcome, problem=problem)
        .returning(table.c.happened_at)
    )
    return list((await tx.execute(statement)).scalars())


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget what happened before a moment, delivered or not. Returns how many."""
    return (await tx.execute(delete(table).where(table.c.happened_at < before))).rowcount


async def _claim(
    tx: Transaction,
    statement: TextClause,
    now: datetime,
    lease: datetime,
    leaving_out: list[Any],
    each: int,
    limit: int,
) -> list[Claimed]:
    values = {"now": now, "lease": lease, "leaving_out": leaving_out, "each": each, "limit": limit}
    return [
        Claimed(
            _delivery(row),
            row["address"],
            row["sealed_authorization"],
            tuple(row["sector"]) if row["sector"] is not None else None,
            row["vouched"],
        )
        for row in (await tx.execute(statement, values)).mappings()
    ]


async def _set(tx: Transaction, claimed: Delivery, **values: object) -> bool:
    result = await tx.execute(
        update(table)
        .where(table.c.id == claimed.id, table.c.attempts == claimed.attempts, table.c.settled_at.is_(None))
        .values(**values)
    )
    return result.rowcount > 0


def _delivery(row: Mapping[Any, Any]) -> Delivery:
    return Delivery(
        id=row["id"],
        recipient=Recipient(row["client_id"], row["stream_id"]),
        facts=row["facts"],
        happened_at=row["happened_at"],
        attempts=row["attempts"],
    )
