"""What can be had, read by many and often: asked of PostgreSQL once in a while, whoever asks.

A cache for reads alone. Nobody is granted anything by it: the gate and the batch have counts of their own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from config.clock import Clock
from config.connections import Database
from upstreams.reservation.stores import Stores

FRESH = 0.25
"""Seconds for which an answer stands: about as long as a person needs to see it."""


class Availability:
    """How many there are of everything."""

    def __init__(self, database: Database, stores: Stores, clock: Clock) -> None:
        self._database = database
        self._stores = stores
        self._clock = clock
        self._read_at = float("-inf")
        self._known: Mapping[str, int] = {}
        self._reading = asyncio.Lock()

    async def levels(self) -> Mapping[str, int]:
        """What can be had, by thing; `FRESH` seconds old at most. However many ask at once, one reads."""
        if self._clock.timestamp() - self._read_at < FRESH:
            return self._known
        async with self._reading:
            if self._clock.timestamp() - self._read_at >= FRESH:
                async with self._database.connect() as tx:
                    levels = await self._stores.stock.levels(tx)
                self._known = {sku: level.available for sku, level in sorted(levels.items())}
                self._read_at = self._clock.timestamp()
        return self._known
