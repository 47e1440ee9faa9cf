"""Unique seats, and resources over time: what a hold keeps besides counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from upstreams.reservation.deciding import Placed, Places
from upstreams.trade.allocation import Line, Taken, Window

RESOURCE = ""
"""Where a resource is taken from: it stands in no warehouse."""


class PlaceStore(Protocol):
    """Seats and bookings. The things they belong to are locked first, in the one order (`Stock.lock`, `lock`)."""

    async def lock(self, tx: Transaction, resources: Collection[str]) -> None:
        """Lock resources until the transaction ends, in the order of their names, after the stock."""

    async def shown(self, tx: Transaction, seated: Collection[str], windows: Mapping[str, Sequence[Window]]) -> Places:
        """The free seats of things, and when resources are taken around some spans of time."""

    async def take(self, tx: Transaction, placed: Sequence[Placed]) -> None:
        """Give seats and times to holds. Raises `IntegrityError` for a seat or a time that is taken."""

    async def free(self, tx: Transaction, holds: Collection[UUID]) -> list[Taken]:
        """Let others have the seats and the times of these holds. Answers the resources alone: seats are counted."""

    async def booked(self, tx: Transaction, holds: Collection[UUID]) -> list[Taken]:
        """The resources that holds keep."""

    async def seats_of(self, tx: Transaction, hold: UUID) -> Mapping[str, Sequence[str]]:
        """The seats that a hold keeps at this moment, by thing."""

    async def give_back(self, tx: Transaction, hold: UUID, lines: Sequence[Line]) -> tuple[list[Line], list[Taken]]:
        """Free the seats and times of some lines; answers the lines that are counted, and the resources freed.

        Of a seated thing those seats that a line names, or else the last ones. Raises `ValueError` for a seat that the
        hold does not keep and for a part of a resource's time.
        """
