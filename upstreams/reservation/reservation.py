"""A reservation: what was granted, and what becomes of it. Every change of state has its event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from upstreams.reservation.life import State


@dataclass(frozen=True, slots=True)
class Reservation:
    """One reservation, locked for a change."""

    id: UUID
    person: UUID
    hold: UUID
    state: State
    expires_at: datetime
    """Until when it is held, while it is PENDING."""


class Reservations(Protocol):
    """Reservations; a person reaches their own alone."""

    async def open(self, tx: Transaction, granted: Sequence[tuple[UUID, UUID]], now: datetime) -> None:
        """Write reservations: (id, person), all PENDING; the hold of each bears its id."""

    async def lock(self, tx: Transaction, ident: UUID, person: UUID | None = None) -> Reservation | None:
        """One reservation, of this person where one is named, locked until the transaction ends."""

    async def due(self, tx: Transaction, now: datetime, *, limit: int) -> Sequence[Reservation]:
        """PENDING ones whose hold ran out, locked; those that somebody else is changing are left to them."""

    async def change(
        self,
        tx: Transaction,
        before: Sequence[Reservation],
        to: State,
        now: datetime,
        *,
        actor: UUID | None,
        reason: str | None = None,
    ) -> None:
        """Move locked reservations on to a state, each with its event. Raises `NotInThatState`."""
