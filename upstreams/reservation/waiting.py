"""Requests whose turn has not come: what a line in Valkey is made from, and made again from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from upstreams.reservation.deciding import Wish


class Waiting(Protocol):
    """Those that are durable and not decided."""

    async def claim(self, tx: Transaction, idents: Sequence[UUID]) -> list[Wish]:
        """Those of these requests that still wait, in the order in which they are named. They wait no more.

        Waits for whoever decides one of them at the same time, and leaves out what they decided.
        """

    async def units(self, tx: Transaction, skus: Collection[str]) -> Mapping[str, int]:
        """How many of each thing those who wait ask for."""

    async def of(self, tx: Transaction, person: UUID) -> Sequence[tuple[UUID, int]]:
        """A person's requests that wait, each with its shard."""

    async def forgotten(
        self, tx: Transaction, before: datetime, now: datetime, *, limit: int, shard: int | None = None
    ) -> list[tuple[UUID, int]]:
        """Those that were last put into the stream before a moment, each with its shard, in the order of arrival.

        They are marked as put in now.
        """
