"""Holds: stock that is promised for a while, then confirmed, released or expired, exactly once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from upstreams.trade.allocation import Taken

End = Literal["confirmed", "released", "expired"]


@dataclass(frozen=True, slots=True)
class Hold:
    """What is kept for one person until `expires_at`."""

    id: UUID
    person: UUID
    taken: Sequence[Taken]
    expires_at: datetime


class Holds(Protocol):
    """Holds over a service's stock."""

    async def open(self, tx: Transaction, holds: Sequence[Hold], now: datetime) -> None:
        """Keep what was taken. The stock rows must be locked already."""

    async def end(
        self, tx: Transaction, idents: Collection[UUID], state: End, now: datetime
    ) -> Mapping[UUID, list[Taken]]:
        """End those that are still held, and answer them with what they kept; without those that ended already.

        Confirmed stock stays promised; released and expired stock can be had again.
        """

    async def lines(self, tx: Transaction, idents: Collection[UUID]) -> Mapping[UUID, list[Taken]]:
        """What holds keep, by hold."""
