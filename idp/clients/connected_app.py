"""The apps that a person has used, as they see them, and how one of them is disconnected."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedApp:
    """One client with one person."""

    client_id: str
    name: Mapping[str, str]
    """By locale."""
    scopes: tuple[str, ...]
    """What it was last granted."""
    last_used_at: datetime
    connected: bool
    """It belongs to the person's live session, and may still renew its tokens there."""
    allowed: bool
    """The person was asked and allowed it what it wants."""


class ConnectedApps(Protocol):
    """What a storage of connected apps must do."""

    async def of(self, tx: Transaction, user_id: UUID, live: str) -> list[ConnectedApp]:
        """The apps of a person whose live session is `live`: the connected ones first, then by last use."""

    async def fresh_grants(
        self, tx: Transaction, user_id: UUID, client_id: str, sid: str, since: datetime
    ) -> Collection[UUID]:
        """The grants of an app in one session of which access tokens were issued since a moment.

        Call it after `disconnect`, which waits for those that are on their way.
        """

    async def disconnect(self, tx: Transaction, user_id: UUID, client_id: str, now: datetime) -> int:
        """Revoke what an app may still renew or redeem for this person, and withdraw what they allowed it.

        Returns how much of it there was.

        Call it before the session is locked.
        """
