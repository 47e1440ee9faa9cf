"""Mails, logouts and signals as administrators look at them: who, when, how far; never what they say."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Uuid

from config.connections import Transaction
from idp.administration.documents import Channel, DeliveryEntry, DeliveryState
from idp.administration.scope import EntryCursor
from idp.sessions.delivery import KEPT

# a mail is its person's, of whatever organisation: it is shown to who administers all of theirs
_PERSON_WITHIN = """
    EXISTS (
        SELECT FROM idp.membership AS member
        WHERE member.user_id = message.user_id AND member.organisation_id = ANY (:scope)
    ) AND NOT EXISTS (
        SELECT FROM idp.membership AS member
        WHERE member.user_id = message.user_id AND member.organisation_id <> ALL (:scope)
    )
"""
_MAILS = """
    SELECT message.id, message.kind, message.user_id, person.display_name, '' AS client_id,
        CASE message.state WHEN 'queued' THEN 'waiting' WHEN 'sent' THEN 'delivered' ELSE 'dead' END AS state,
        message.attempts, message.created_at, message.next_attempt_at, message.expires_at, message.finished_at,
        coalesce(message.last_error, '') AS problem, message.correlation_id
    FROM notifications.message AS message JOIN idp.user_account AS person ON person.id = message.user_id
    WHERE
"""
_ENDS = """
    SELECT delivery.id, delivery.facts ->> 'happening' AS kind, person.id AS user_id, person.display_name,
        delivery.client_id, delivery.stream_id,
        CASE WHEN delivery.outcome IS NULL THEN 'waiting' ELSE delivery.outcome END AS state,
        delivery.attempts, delivery.happened_at AS created_at, delivery.due_at AS next_attempt_at,
        delivery.happened_at + CAST(:kept AS interval) AS expires_at, delivery.settled_at AS finished_at,
        delivery.problem, coalesce(delivery.facts ->> 'correlation_id', '') AS correlation_id
    FROM idp.delivery AS delivery JOIN idp.user_account AS person ON CAST(person.id AS text) = delivery.facts ->> 'sub'
    WHERE COALESCE(delivery.facts ->> 'org', delivery.facts ->> 'tenant') = ANY (CAST(:scope AS text[]))
"""
_OF_SESSION = text(
    _ENDS + " AND delivery.facts ->> 'sid' = :sid AND delivery.happened_at >= :since"
    " ORDER BY created_at DESC, id DESC LIMIT :limit"
).bindparams(bindparam("scope", type_=ARRAY(Uuid)))
_PAGE = """
    SELECT * FROM ({found}) AS found
    WHERE state = :state AND (
        CAST(:at AS timestamptz) IS NULL OR (created_at, id) < (CAST(:at AS timestamptz), CAST(:id AS uuid))
    )
    ORDER BY created_at DESC, id DESC LIMIT :limit
"""


def _page(found: str) -> TextClause:
    return text(_PAGE.format(found=found)).bindparams(bindparam("scope", type_=ARRAY(Uuid)))


_LISTS: dict[Channel, TextClause] = {
    "mail": _page(_MAILS + _PERSON_WITHIN),
    "logout": _page(_ENDS + " AND delivery.stream_id IS NULL"),
    "signal": _page(_ENDS + " AND delivery.stream_id IS NOT NULL"),
}
_RETRY_MAIL = text(
    """
    UPDATE notifications.message
    SET state = 'queued', attempts = 0, next_attempt_at = :now, finished_at = NULL, last_error = NULL
    WHERE id = :id AND state = 'dead' AND expires_at > :now
    """
)
_RETRY_END = text(
    """
    UPDATE idp.delivery SET settled_at = NULL, outcome = NULL, attempts = 0, due_at = :now, problem = ''
    WHERE id = :id AND outcome = 'dead' AND happened_at > :oldest
    """
)
_MAIL_WITHIN = text(
    f"SELECT EXISTS (SELECT FROM notifications.message AS message WHERE message.id = :id AND {_PERSON_WITHIN})"  # noqa: S608 - text of ours
).bindparams(bindparam("scope", type_=ARRAY(Uuid)))
_END_WITHIN = text(
    """
    SELECT EXISTS (
        SELECT FROM idp.delivery
        WHERE id = :id AND COALESCE(facts ->> 'org', facts ->> 'tenant') = ANY (CAST(:scope AS text[]))
            AND (stream_id IS NULL) = :is_logout
    )
    """
).bindparams(bindparam("scope", type_=ARRAY(Uuid)))


async def deliveries(
    tx: Transaction,
    scope: Collection[UUID],
    channel: Channel,
    state: DeliveryState,
    *,
    before: EntryCursor | None,
    now: datetime,
    limit: int,
) -> Sequence[DeliveryEntry]:
    """The newest first."""
    values: dict[str, Any] = {
        "scope": list(scope),
        "state": state,
        "at": before.at if before else None,
        "id": before.id if before else None,
        "limit": limit,
    }
    if channel != "mail":
        values["kept"] = KEPT
    return [_entry(channel, row, now) for row in await tx.execute(_LISTS[channel], values)]


async def of_session(
    tx: Transaction, scope: Collection[UUID], sid: str, *, since: datetime, now: datetime, limit: int
) -> Sequence[DeliveryEntry]:
    """What was to be told of one session, which began at `since`; the newest first."""
    values: dict[str, Any] = {"scope": list(scope), "sid": sid, "since": since, "kept": KEPT, "limit": limit}
    return [
        _entry("logout" if row.stream_id is None else "signal", row, now)
        for row in await tx.execute(_OF_SESSION, values)
    ]


async def retry(tx: Transaction, scope: Collection[UUID], channel: Channel, ident: UUID, now: datetime) -> bool | None:
    """Let a dead letter wait again. False: it is none, or expired; `None`: not in this scope."""
    seen: dict[str, Any] = {"id": ident, "scope": list(scope)}
    if channel == "mail":
        if not await tx.scalar(_MAIL_WITHIN, seen):
            return None
        changed = await tx.execute(_RETRY_MAIL, {"id": ident, "now": now})
    else:
        if not await tx.scalar(_END_WITHIN, {**seen, "is_logout": channel == "logout"}):
            return None
        changed = await tx.execute(_RETRY_END, {"id": ident, "now": now, "oldest": now - KEPT})
    return changed.rowcount > 0


def _entry(channel: Channel, row: Row[Any], now: datetime) -> DeliveryEntry:
    dead = row.state == "dead"
    return DeliveryEntry(
        channel=channel,
        id=row.id,
        kind=row.kind,
        user_id=row.user_id,
        display_name=row.display_name,
        client_id=row.client_id,
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at if row.state == "waiting" else None,
        expires_at=row.expires_at,
        finished_at=row.finished_at,
        problem=row.problem,
        correlation_id=row.correlation_id,
        may_retry=dead and row.expires_at > now,
    )
