"""The relying parties of a session and the subscribers of shared signals: told of its end by deliveries (S8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy
from idp.sessions.delivery import Delivery, Happening, Recipient
from idp.sessions.session import Session
from idp.sessions.signals.security_event import SESSION_REVOKED


class DeliveryQueue(Protocol):
    """Where an end writes whom it concerns."""

    async def recipients(self, tx: Transaction, sid: str, user_id: UUID, event: str) -> Sequence[Recipient]:
        """Whom the end of this person's session concerns; `event` is what a stream must have asked for."""

    async def add(self, tx: Transaction, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries, due at once."""


class RelyingParties:
    """`Concerned`: the relying parties of the session, and the subscribers of shared signals."""

    def __init__(self, queue: DeliveryQueue, entropy: Entropy) -> None:
        self._queue = queue
        self._entropy = entropy

    async def session_ended(self, tx: Transaction, ended: Session, correlation_id: str) -> None:
        """One delivery for each of them."""
        recipients = await self._queue.recipients(tx, ended.sid, ended.user_id, SESSION_REVOKED)
        if not recipients:
            return
        assert ended.ended_at is not None
        assert ended.end_reason is not None
        facts = {
            "happening": Happening.SESSION_ENDED.value,
            "sid": ended.sid,
            "sub": str(ended.user_id),
            "org": str(ended.organisation_id),
            "reason": ended.end_reason,
            "correlation_id": correlation_id,
        }
        await self._queue.add(
            tx,
            [
                Delivery(id=self._entropy.uuid(), recipient=recipient, facts=facts, happened_at=ended.ended_at)
                for recipient in recipients
            ],
        )
