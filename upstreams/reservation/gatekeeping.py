"""The reconciler of the gate: counts anew, from PostgreSQL, what may still be asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from config.connections import Database
from upstreams.reservation.gate import UNCOUNTED, Gate
from upstreams.reservation.stores import Stores


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How the gate stood when it was looked at."""

    gates: int
    drift: int
    """By how many units the gates were off, all together; requests on their way count as such."""


class Gatekeeper:
    """Makes gates, and mends them."""

    def __init__(self, database: Database, stores: Stores, gate: Gate) -> None:
        self._database = database
        self._stores = stores
        self._gate = gate

    async def count(self, skus: Collection[str]) -> Accuracy:
        """Set the gates of these things to what is left and not asked for yet.

        A gate that somebody passes while it is counted is left for the next time: what they took is in no count yet.
        Raises `RedisError` or `OSError` where Valkey is away.
        """
        seen = {sku: await self._gate.see(sku) for sku in skus}
        right = await self._right(skus)
        drift = 0
        for sku, left in right.items():
            was = seen[sku].left
            drift += abs((was or 0) - left) if left != UNCOUNTED else 0
            if was != left:
                await self._gate.put(sku, left, seen[sku])
        return Accuracy(len(right), drift)

    async def known(self) -> Collection[str]:
        """Everything that can be reserved."""
        async with self._database.connect() as tx:
            return await self._stores.requests.reservable_skus(tx)

    async def _right(self, skus: Collection[str]) -> Mapping[str, int]:
        async with self._database.connect() as tx:
            things = await self._stores.requests.things(tx, skus)
            counted = [sku for sku, thing in things.items() if thing.kind != "resource"]
            # first what is asked for, then what is left: a decision in between counts twice, which only under-sells
            waiting = await self._stores.waiting.units(tx, counted)
            levels = await self._stores.stock.levels(tx, counted)
        right = dict.fromkeys(things, UNCOUNTED)
        for sku in counted:
            available = levels[sku].available if sku in levels else 0
            right[sku] = max(0, available - waiting.get(sku, 0))
        return right
