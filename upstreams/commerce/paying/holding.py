"""What is kept for a purchase while its payment is under way, and taken again where it came too late."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction


class Holding(Protocol):
    """Holds of purchases."""

    async def expires_at(self, tx: Transaction, hold: UUID) -> datetime | None:
        """Until when it is held; None where it is not held any more."""

    async def prolong(self, tx: Transaction, hold: UUID, until: datetime) -> None:
        """Keep what is held at least until then."""

    async def can_be_had(self, tx: Transaction, hold: UUID) -> bool:
        """Whether nobody has what an ended hold kept. Nothing is locked: a moment later it may be otherwise."""

    async def take_again(self, tx: Transaction, hold: UUID, cause: str, now: datetime) -> bool:
        """Hold once more what an ended hold kept, all of it from where it was; False where somebody has it."""
