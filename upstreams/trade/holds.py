"""Holds: stock that is promised for a while, then confirmed, released or expired, exactly once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

import msgspec

from config.connections import Transaction
from upstreams.trade.allocation import Line, Taken

End = Literal["confirmed", "released", "expired"]


class Hold(msgspec.Struct, frozen=True):
    """What is kept for one person until `expires_at`."""

    id: UUID
    person: UUID
    taken: Sequence[Taken]
    expires_at: datetime


class Holds(Protocol):
    """Holds over a service's stock."""

    async def open(self, tx: Transaction, holds: Sequence[Hold], now: datetime, *, cause: str) -> None:
        """Keep what was taken, in one movement of each stock row. The rows must be locked already."""

    async def end(
        self, tx: Transaction, idents: Collection[UUID], state: End, now: datetime
    ) -> Mapping[UUID, list[Taken]]:
        """End those that are still held, and answer them with what they kept; without those that ended already.

        Confirmed stock stays promised; released and expired stock can be had again.
        """

    async def lines(self, tx: Transaction, idents: Collection[UUID]) -> Mapping[UUID, list[Taken]]:
        """What holds keep, by hold; without what was given back."""

    async def give_back(
        self, tx: Transaction, ident: UUID, lines: Sequence[Line], cause: str, now: datetime
    ) -> list[Taken]:
        """Give back some of what one locked hold keeps, be it held or confirmed, and answer from where it came.

        A cause gives back once: asked again, it gives nothing. A hold that was not confirmed and keeps nothing more is
        released. Raises `ValueError` for more than is kept, changing nothing.
        """
