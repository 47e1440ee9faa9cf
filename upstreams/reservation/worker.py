"""The worker: empties the streams, and puts right what a crash or a lost Valkey left undone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import Entropy, SystemEntropy
from config.pause import pause
from config.settings import ReservationSettings, Settings
from upstreams.reservation.batch import Batches
from upstreams.reservation.desk import Desk
from upstreams.reservation.gate import Gate
from upstreams.reservation.queue import Entry, QueueLost, RequestQueue
from upstreams.reservation.request import Requests
from upstreams.reservation.results import Teller
from upstreams.reservation.storage.stores import postgresql_stores

WAIT = 1.0
"""Seconds that a worker waits for new entries before it looks around."""
LEFT_ALONE = 5.0
"""Seconds after which an entry that another worker took is taken over."""
FORGOTTEN = 10.0
"""Seconds after which a queued request is put into the stream again."""
ROUND = 2.0
"""Seconds between two rounds of the reconciler."""
BREATH = 0.5
"""Seconds to wait when an engine is away."""
AT_ONCE = 1000
"""Rows that the reconciler takes in one transaction."""
AWAY = (RedisError, SQLAlchemyError, OSError)

_log = structlog.get_logger(__name__)


class Worker:
    """Serves every shard; any number of workers may run, in any number of processes."""

    def __init__(
        self,
        queue: RequestQueue,
        batches: Batches,
        desk: Desk,
        gate: Gate,
        teller: Teller,
        requests: Requests,
        database: Database,
        clock: Clock,
        entropy: Entropy,
        settings: ReservationSettings,
    ) -> None:
        self._queue = queue
        self._batches = batches
        self._desk = desk
        self._gate = gate
        self._teller = teller
        self._database = database
        self._clock = clock
        self._settings = settings
        self._requests = requests
        self._name = entropy.token(9)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; what was taken is finished first."""
        async with asyncio.TaskGroup() as tasks:
            for shard in range(self._settings.shards):
                tasks.create_task(self._again(stop, partial(self._serve, shard)))
            tasks.create_task(self._again(stop, self._reconcile))

    async def _again(self, stop: asyncio.Event, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        """Take up work again, after a breath, for as long as an engine is away."""
        while not stop.is_set():
            try:
                await work(stop)
            except (*AWAY, QueueLost) as error:
                _log.warning("worker_waits", error=type(error).__name__)
                await pause(stop, BREATH)

    async def _serve(self, shard: int, stop: asyncio.Event) -> None:
        if await self._queue.open(shard):
            await self.enqueue_again(0.0, shard=shard)
        while not stop.is_set():
            left = await self._queue.take_over(shard, self._name, count=self._settings.batch, idle=LEFT_ALONE)
            await self.process(shard, left)
            for _ in range(64):
                taken = await self._take(shard, stop)
                await self.process(shard, taken)
                if len(taken) < self._settings.batch:
                    break
        await self._queue.leave(shard, self._name)

    async def _take(self, shard: int, stop: asyncio.Event) -> Sequence[Entry]:
        """New entries; waiting ends as soon as the worker is asked to stop."""
        waiting = asyncio.ensure_future(self._queue.take(shard, self._name, count=self._settings.batch, wait=WAIT))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            return []
        finally:
            stopping.cancel()
            if not waiting.done():
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)

    async def process(self, shard: int, entries: Sequence[Entry]) -> None:
        """Decide what the entries name; then, and only then, they are done and their results told."""
        if not entries:
            return
        decided = await self._batches.decide(list(dict.fromkeys(request for _, request in entries)))
        await self._queue.done(shard, [entry for entry, _ in entries])
        await self._teller.publish(decided.events)

    async def enqueue_again(self, forgotten: float, *, shard: int | None = None) -> int:
        """Put queued requests into the stream that were last put there so many seconds ago. Answers how many."""
        count = 0
        before = self._clock.now() - timedelta(seconds=forgotten)
        while True:
            # later than `before` on any clock, so that no round finds what an earlier one put in
            now = max(self._clock.now(), before + timedelta(microseconds=1))
            async with self._database.begin() as tx:
                found = await self._requests.forgotten(tx, before, now, limit=AT_ONCE, shard=shard)
            if found:
                await self._queue.put(found)
            count += len(found)
            if len(found) < AT_ONCE:
                return count

    async def _reconcile(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if again := await self.enqueue_again(FORGOTTEN):
                _log.warning("enqueued_again", count=again)
            await self._desk.expire(limit=AT_ONCE)
            await pause(stop, ROUND)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Work until `stop` is set."""
    clock, entropy = SystemClock(), SystemEntropy()
    database, valkey = open_database(settings, "reservation"), open_valkey(settings)
    try:
        worker = build(settings.reservation, database, valkey, clock, entropy)
        ready()
        await worker.run(stop)
    finally:
        await valkey.aclose()
        await database.dispose()


def build(settings: ReservationSettings, database: Database, valkey: Valkey, clock: Clock, entropy: Entropy) -> Worker:
    """A worker over these engines."""
    gate, queue, stores = Gate(valkey), RequestQueue(valkey), postgresql_stores()
    teller = Teller(valkey, database, stores.happenings)
    return Worker(
        queue,
        Batches(database, stores, clock, entropy, hold_lifetime=settings.hold_lifetime),
        Desk(database, stores, queue, gate, teller, clock, entropy, shards=settings.shards),
        gate,
        teller,
        stores.requests,
        database,
        clock,
        entropy,
        settings,
    )
