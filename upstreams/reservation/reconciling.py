"""Puts right what a crash or a lost Valkey left undone. Any number may do so at once; each piece is done by one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

import structlog

from config.clock import Clock
from config.connections import Database
from upstreams.reservation.desk import Desk
from upstreams.reservation.gate import KEPT, Gate
from upstreams.reservation.gatekeeping import Gatekeeper
from upstreams.reservation.metrics import EXPIRED, GATE_DRIFT, GATES, PUT_IN_AGAIN, WAITING, Heat
from upstreams.reservation.queue import QueueLost, RequestQueue
from upstreams.reservation.results import Teller
from upstreams.reservation.stores import Stores

FORGOTTEN = 10.0
"""Seconds after which a queued request is put into its line again."""
UNTOLD = timedelta(seconds=2)
"""After so long an event that nobody told is told by a worker."""
REPLAYED = timedelta(days=7)
"""For so long a page that comes back is told what it missed."""
AT_ONCE = 1000
"""Rows that are taken in one transaction."""
_log = structlog.get_logger(__name__)


class Reconciler:
    """The work that no request waits for."""

    def __init__(
        self,
        database: Database,
        stores: Stores,
        queue: RequestQueue,
        gate: Gate,
        gatekeeper: Gatekeeper,
        desk: Desk,
        teller: Teller,
        clock: Clock,
        heat: Heat,
    ) -> None:
        self._database = database
        self._stores = stores
        self._queue = queue
        self._gate = gate
        self._gatekeeper = gatekeeper
        self._desk = desk
        self._teller = teller
        self._clock = clock
        self._heat = heat
        self._last: dict[int, int] = {}

    async def round(self, shards: Collection[int]) -> None:
        """One round; of the lines, those that this worker serves. Raises what says that an engine is away."""
        if again := await self.enqueue_again(FORGOTTEN):
            _log.warning("enqueued_again", count=again)
        EXPIRED.inc(await self._desk.expire(limit=AT_ONCE))
        await self._teller.tell_untold(self._clock.now() - UNTOLD, limit=AT_ONCE)
        self._heat.cool()
        for shard in sorted(shards):
            await self._look_at(shard)
        if 0 in shards:  # whoever serves the first line sees to what is everybody's
            await self.count_gates()
            await self.know_keys()
            await self.forget()

    async def _look_at(self, shard: int) -> None:
        try:
            line = await self._queue.look(shard)
        except QueueLost:  # whoever serves it finds out, and makes it anew
            return
        WAITING.labels(str(shard)).set(line.waiting)
        if line.last < self._last.get(shard, 0):
            _log.warning("line_went_back", shard=shard, was=self._last[shard], now=line.last)
            await self.enqueue_again(0.0, shard=shard)
        self._last[shard] = line.last

    async def count_gates(self) -> None:
        """Count every gate anew."""
        accuracy = await self._gatekeeper.count(await self._gatekeeper.known())
        GATES.set(accuracy.gates)
        GATE_DRIFT.set(accuracy.drift)

    async def know_keys(self) -> None:
        """Note the idempotency keys anew where a Valkey that was lost forgot them."""
        if await self._gate.keys_are_known():
            return
        async with self._database.connect() as tx:
            keys = await self._stores.requests.keys_since(tx, self._clock.now() - timedelta(seconds=KEPT))
        await self._gate.used(keys)
        await self._gate.know_keys()

    async def forget(self) -> None:
        """Forget what nobody asks for any more: keys after twice the time for which they are noted, told events."""
        now = self._clock.now()
        async with self._database.begin() as tx:
            await self._stores.requests.forget_keys(tx, now - timedelta(seconds=2 * KEPT), limit=AT_ONCE)
            await self._stores.happenings.forget(tx, now - REPLAYED, limit=AT_ONCE)

    async def enqueue_again(self, forgotten: float, *, shard: int | None = None) -> int:
        """Put queued requests into their line that were last put there so many seconds ago. Answers how many."""
        count = 0
        before = self._clock.now() - timedelta(seconds=forgotten)
        while True:
            # later than `before` on any clock, so that no round finds what an earlier one put in
            now = max(self._clock.now(), before + timedelta(microseconds=1))
            async with self._database.begin() as tx:
                found = await self._stores.waiting.forgotten(tx, before, now, limit=AT_ONCE, shard=shard)
            if found:
                await self._queue.put(found)
                PUT_IN_AGAIN.inc(len(found))
            count += len(found)
            if len(found) < AT_ONCE:
                return count
