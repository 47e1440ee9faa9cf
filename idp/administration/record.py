"""What is on record of an administrator's act: who did what to whom, and why."""

from __future__ import annotations

from collections.abc import Mapping

from audit import trail
from audit.trail import AuditEvent, Kind
from config.connections import Transaction
from idp.administration.scope import Administrator


async def record(
    tx: Transaction,
    who: Administrator,
    kind: Kind,
    subject: str,
    details: Mapping[str, object],
    *,
    sid: str = "",
) -> None:
    """Write it within the act's own transaction."""
    await trail.record(
        tx,
        AuditEvent(
            kind=kind,
            correlation_id=who.correlation_id,
            actor=str(who.user_id),
            subject=subject,
            sid=sid,
            details=details,
        ),
    )
