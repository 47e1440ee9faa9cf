"""What the acts upon sessions ask of a storage, and whom they hand an end to."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.sessions.session import Session


class SessionStorage(Protocol):
    """What a storage of sessions must do; `conformance` tests hold it to its races."""

    async def lock_person(self, tx: Transaction, user_id: UUID) -> bool:
        """Let nobody else begin a session of this person until the transaction is over. False: may not sign in."""

    async def lock_live(self, tx: Transaction, user_id: UUID, leaving: str | None) -> list[Session]:
        """The person's session and the one of the sid `leaving`, as far as they have not ended: locked, by sid."""

    async def lock(self, tx: Transaction, sid: str) -> Session | None:
        """One session that has not ended, locked against its end and its extension."""

    async def begin(self, tx: Transaction, session: Session) -> None:
        """Keep a new session. Raises an integrity error where the person has one that has not ended."""

    async def change(self, tx: Transaction, session: Session) -> None:
        """Keep what changed in a locked session: its end, its times, its proof, what of its tokens is revoked."""


class ExpiredSessions(Protocol):
    """What the sweeper asks."""

    async def lock_expired(self, tx: Transaction, now: datetime, limit: int) -> list[Session]:
        """Some sessions past their limit that nobody has ended and nobody else holds, locked."""


class Concerned(Protocol):
    """Somebody whom the end of a session concerns, beyond the gateways and the audit (S8)."""

    async def session_ended(self, tx: Transaction, ended: Session, correlation_id: str) -> None:
        """Write down, in the transaction of the end itself, what they must be told; others carry it there."""
