"""The worker: empties its share of the lines. Any number of workers may run, in any number of processes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import asyncpg
import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import Entropy, SystemEntropy
from config.health import read_by_prometheus
from config.pause import pause
from config.sections.services import ReservationSettings
from config.serving import collect_rarely
from config.settings import Settings
from upstreams.reservation.batch import Batches, Decided
from upstreams.reservation.desk import Desk
from upstreams.reservation.faults import NONE, Faults
from upstreams.reservation.gate import Gate
from upstreams.reservation.gatekeeping import Gatekeeper
from upstreams.reservation.leases import SAY_SO_EVERY, Leases
from upstreams.reservation.metrics import LEASES, Heat
from upstreams.reservation.queue import Entry, QueueLost, RequestQueue
from upstreams.reservation.reconciling import Reconciler
from upstreams.reservation.results import Teller, messages
from upstreams.reservation.storage.stores import postgresql_stores

WAIT = 1.0
"""Seconds that a worker waits for new entries before it looks around."""
LOOK_AROUND = 1.0
"""Seconds between two looks for entries that another worker took and left."""
ROUND = 2.0
"""Seconds between two rounds of the reconciler."""
BREATH = 0.2
"""Seconds to wait when an engine is away, or a lease is another's."""
SUSPECT = 2
"""Times in a row that something was left of a line, after which each of it is decided alone: its batch never ended."""
AWAY = (RedisError, SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)

_log = structlog.get_logger(__name__)


class Worker:
    """Serves its share of the lines, and takes part in putting right what went wrong."""

    def __init__(
        self,
        queue: RequestQueue,
        batches: Batches,
        leases: Leases,
        gate: Gate,
        reconciler: Reconciler,
        settings: ReservationSettings,
        name: str,
        faults: Faults = NONE,
    ) -> None:
        self._queue = queue
        self._batches = batches
        self._leases = leases
        self._gate = gate
        self._reconciler = reconciler
        self._settings = settings
        self._name = name
        self._faults = faults
        self._serving: dict[int, tuple[asyncio.Event, asyncio.Task[None]]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; what was taken is finished first, and the leases are given back."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._again(stop, partial(self._keep_share, tasks)))
            tasks.create_task(self._again(stop, self._reconcile))

    async def _again(self, stop: asyncio.Event, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        """Take up work again, after a breath, for as long as an engine is away."""
        while not stop.is_set():
            try:
                await work(stop)
            except (*AWAY, QueueLost) as error:
                _log.warning("worker_waits", error=type(error).__name__)
                await pause(stop, BREATH)

    async def _keep_share(self, tasks: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                self._take_up(tasks, await self._leases.say_so())
                await pause(stop, SAY_SO_EVERY)
        finally:
            if stop.is_set():
                self._take_up(tasks, frozenset())
                await self._leases.leave()

    def _take_up(self, tasks: asyncio.TaskGroup, mine: frozenset[int]) -> None:
        for shard in [shard for shard in self._serving if shard not in mine]:
            self._serving.pop(shard)[0].set()
        for shard in mine - self._serving.keys():
            over = asyncio.Event()
            self._serving[shard] = over, tasks.create_task(self._again(over, partial(self._serve, shard)))
        LEASES.set(len(self._serving))

    async def _serve(self, shard: int, over: asyncio.Event) -> None:
        while not await self._leases.hold(shard):
            await pause(over, BREATH)
            if over.is_set():
                return
        try:
            if await self._queue.open(shard):
                await self._reconciler.enqueue_again(0.0, shard=shard)
            await self._finish_others(shard)  # whoever served this line before is gone: what they left comes first
            await self.empty(shard, over)
        finally:
            await self._queue.leave(shard, self._name)
            await self._leases.drop(shard)

    async def empty(self, shard: int, over: asyncio.Event) -> None:
        """Decide what comes into a line until `over` is set.

        While a batch is decided, the one before is told and, where there is more, the next one is taken.
        """
        clock = asyncio.get_running_loop().time
        held = looked = clock()
        following: asyncio.Future[Sequence[Entry]] | None = None
        telling: asyncio.Future[None] = asyncio.ensure_future(asyncio.sleep(0))
        try:
            while following is not None or not over.is_set():
                if clock() - held > SAY_SO_EVERY:
                    held = clock()
                    await self._leases.hold(shard)
                if clock() - looked > LOOK_AROUND and following is None:
                    looked = clock()
                    await telling
                    await self._finish_others(shard)  # of one who went on without a lease
                taken, following = await (following or self._take(shard, over)), None
                if not taken:
                    continue
                if len(taken) == self._settings.batch and not over.is_set():
                    following = asyncio.ensure_future(self._take(shard, over))
                decided = await self._decide(taken)
                await telling
                telling = asyncio.ensure_future(self._tell(shard, taken, decided))
            await telling
        finally:
            for one in (telling, following):
                if one is not None and not one.done():
                    one.cancel()
                    await asyncio.gather(one, return_exceptions=True)

    async def _finish_others(self, shard: int) -> None:
        """Decide what somebody took and never finished: together, or alone where that never comes to an end."""
        left = await self._queue.left(shard, count=self._settings.batch)
        if not left:
            return
        alone = await self._queue.found_left(shard) >= SUSPECT
        while left:
            for some in [[one] for one in left] if alone else [left]:
                await self.process(shard, some)
            left = await self._queue.left(shard, count=self._settings.batch)
        await self._queue.nothing_left(shard)

    async def _take(self, shard: int, over: asyncio.Event) -> Sequence[Entry]:
        """New entries; waiting ends as soon as the worker is asked to stop."""
        waiting = asyncio.ensure_future(self._queue.take(shard, self._name, count=self._settings.batch, wait=WAIT))
        stopping = asyncio.ensure_future(over.wait())
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
        """Decide what the entries name; then, and only then, their results are told and they are done."""
        if entries:
            await self._tell(shard, entries, await self._decide(entries))

    async def _decide(self, entries: Sequence[Entry]) -> Decided:
        await self._faults.at("taken")
        return await self._batches.decide(list(dict.fromkeys(request for _, request in entries)))

    async def _tell(self, shard: int, entries: Sequence[Entry], decided: Decided) -> None:
        await self._faults.at("committed")
        await self._queue.done(shard, entries, messages(decided.events))
        await self._gate.give(decided.refused)
        await self._faults.at("done")

    async def _reconcile(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._reconciler.round(frozenset(self._serving))
            await pause(stop, ROUND)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Work until `stop` is set."""
    clock, entropy, heat = SystemClock(), SystemEntropy(), Heat()
    database, valkey = open_database(settings, "reservation"), open_valkey(settings)
    try:
        worker = build(settings.reservation, database, valkey, clock, entropy, heat=heat)
        with read_by_prometheus(heat):
            collect_rarely()
            ready()
            await worker.run(stop)
    finally:
        await valkey.aclose()
        await database.dispose()


def build(
    settings: ReservationSettings,
    database: Database,
    valkey: Valkey,
    clock: Clock,
    entropy: Entropy,
    *,
    heat: Heat | None = None,
    faults: Faults = NONE,
) -> Worker:
    """A worker over these engines."""
    name = entropy.token(9)
    heat = heat or Heat()
    gate, queue, stores = Gate(valkey), RequestQueue(valkey), postgresql_stores()
    teller = Teller(valkey, database, stores.happenings)
    desk = Desk(database, stores, queue, gate, teller, clock, entropy, shards=settings.shards, faults=faults)
    gatekeeper = Gatekeeper(database, stores, gate)
    return Worker(
        queue,
        Batches(database, stores, clock, entropy, hold_lifetime=settings.hold_lifetime, heat=heat, faults=faults),
        Leases(valkey, name, settings.shards),
        gate,
        Reconciler(database, stores, queue, gate, gatekeeper, desk, teller, clock, heat),
        settings,
        name,
        faults,
    )
