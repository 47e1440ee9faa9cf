"""Clients that registered themselves and that nobody uses: they go, so that strangers do not fill the register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from audit import trail
from audit.trail import AuditEvent, Kind
from config.connections import Transaction
from events import outbox
from idp.clients.client import EVENT_TOPIC

SWEEPER: Final = "sweeper"
"""Who did it, on record."""


@dataclass(frozen=True, slots=True)
class Gone:
    """A client that was removed."""

    client_id: str
    organisation_id: UUID | None


class UnusedRegister(Protocol):
    """Where clients are looked after."""

    async def remove_unused(
        self, tx: Transaction, before: datetime, joined_before: datetime, limit: int
    ) -> Sequence[Gone]:
        """Forget some that registered themselves, were changed last before `before`, joined nobody's session and had
        none of their own since `joined_before`, and have nothing under way. Signals that somebody listens for are a
        use."""


class UnusedClients:
    """Removes them, and tells every node."""

    def __init__(self, register: UnusedRegister, *, kept: timedelta, longest_session: timedelta) -> None:
        self._register = register
        self._kept = kept
        self._longest_session = longest_session

    async def sweep(self, tx: Transaction, now: datetime, limit: int) -> int:
        """Remove up to `limit`. Returns how many."""
        before = now - self._kept
        # who joined a session may have used it up to its end
        removed = await self._register.remove_unused(tx, before, before - self._longest_session, limit)
        for client in removed:
            await outbox.append(tx, EVENT_TOPIC, client.client_id, {"client_id": client.client_id})
            whose = {"organisation_id": str(client.organisation_id)} if client.organisation_id is not None else {}
            event = AuditEvent(
                kind=Kind.CLIENT_REMOVED,
                correlation_id=SWEEPER,
                actor=SWEEPER,
                subject=client.client_id,
                details={"why": f"not used for {self._kept.days} days", **whose},
            )
            await trail.record(tx, event)
        return len(removed)
