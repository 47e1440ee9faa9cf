"""Requests behind a person's back that nobody answered: their end is recorded and told, whether or not the client asks
again."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from audit.trail import AuditEvent, Kind, record
from config.connections import Transaction
from idp.grants.pending import PendingGrant, tell


class LapsingRequests(Protocol):
    """Where they are kept."""

    async def lapse(self, tx: Transaction, now: datetime, limit: int) -> list[PendingGrant]:
        """Mark those as expired whose time is over and that nobody answered. Returns them, each once."""


async def sweep(tx: Transaction, requests: LapsingRequests, now: datetime, limit: int) -> int:
    """Record those that are over now. Returns how many."""
    lapsed = await requests.lapse(tx, now, limit)
    for request in lapsed:
        event = AuditEvent(
            kind=Kind.BACKCHANNEL_EXPIRED,
            correlation_id="",
            actor=request.client_id,
            subject=str(request.asked_of or ""),
        )
        await record(tx, event)
        await tell(tx, request)
    return len(lapsed)
