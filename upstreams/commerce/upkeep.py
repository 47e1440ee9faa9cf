"""The worker `shop`: keeps search near what there is, launches what is due, ends holds, warns, and proves the stock.

Any number may run, wherever: each piece of work is taken by one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock, SystemClock
from config.connections import Database, open_database
from config.entropy import Entropy, SystemEntropy
from config.envelope import Envelope
from config.pause import pause
from config.settings import Settings
from upstreams.commerce.lifecycle.keeping import Lifecycle
from upstreams.commerce.metrics import INDEXED, LAUNCHED, LOW, STOCK_WRONG, SWEPT
from upstreams.commerce.search.indexing import bring_up_to_date
from upstreams.commerce.stocking.keeping import Warehousing, Wrong
from upstreams.commerce.storage.stores import catalogue_stores
from upstreams.commerce.stores import CatalogueStores

AT_ONCE = 200
"""Products whose documents are written in one transaction, and holds that are ended in one."""
PROOF_EVERY = timedelta(days=1)
PROOF_HOUR = 18
"""In UTC: three in the morning in Korea."""
BREATH = 1.0
"""Seconds to wait when the database is away."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """The work that no request waits for."""

    database: Database
    stores: CatalogueStores
    lifecycle: Lifecycle
    warehousing: Warehousing
    clock: Clock

    async def index(self) -> int:
        """Write the documents of what changed. Answers of how many products."""
        count = 0
        while True:
            async with self.database.begin() as tx:
                done = await bring_up_to_date(tx, self.stores.index, limit=AT_ONCE)
            count += done
            INDEXED.inc(done)
            if done < AT_ONCE:
                return count

    async def count(self) -> None:
        """Count the facets of the whole catalogue."""
        async with self.database.begin() as tx:
            await self.stores.index.count(tx, self.clock.now())

    async def launch(self) -> int:
        """Launch what is due. Answers how many."""
        launched = await self.lifecycle.launch_due(self.database)
        LAUNCHED.inc(len(launched))
        return len(launched)

    async def sweep(self) -> int:
        """End holds whose time is over. Answers how many."""
        count = 0
        while True:
            async with self.database.begin() as tx:
                now = self.clock.now()
                expired = await self.stores.keeping.expired(tx, now, limit=AT_ONCE)
                await self.stores.holds.end(tx, expired, "expired", now)
            count += len(expired)
            SWEPT.inc(len(expired))
            if len(expired) < AT_ONCE:
                return count

    async def look(self) -> tuple[int, int]:
        """Raise and end warnings of low stock. Answers how many of each."""
        async with self.database.begin() as tx:
            raised, ended = await self.warehousing.look(tx)
            LOW.set(len(await self.stores.keeping.warnings(tx, None)))
        if raised:
            _log.warning("stock_low", raised=raised, ended=ended)
        return raised, ended

    async def prove_nightly(self) -> list[Wrong] | None:
        """Prove the stock, where the last night's proof is still to come; None where it is done."""
        now = self.clock.now()
        night = now.replace(hour=PROOF_HOUR, minute=0, second=0, microsecond=0)
        if night > now:
            night -= PROOF_EVERY
        async with self.database.connect() as tx:
            last = await self.stores.keeping.proven_at(tx)
        if last is not None and last >= night:
            return None
        wrong = list(await self.warehousing.prove(self.database))
        STOCK_WRONG.set(len(wrong))
        if wrong:
            _log.error("stock_does_not_add_up", rows=[f"{one.sku} {one.warehouse} {one.field}" for one in wrong[:20]])
        return wrong


def build(database: Database, envelope: Envelope, clock: Clock, entropy: Entropy) -> Upkeep:
    """The upkeep over this database."""
    stores = catalogue_stores(envelope)
    lifecycle = Lifecycle(stores.lives, stores.versions, stores.options, clock, entropy)
    return Upkeep(database, stores, lifecycle, Warehousing(stores.stock, stores.keeping, clock), clock)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Work until `stop` is set."""
    database = open_database(settings, "commerce")
    try:
        upkeep = build(database, Envelope.load(settings), SystemClock(), SystemEntropy())
        ready()
        async with asyncio.TaskGroup() as tasks:
            for work, every in (
                (upkeep.index, 0.5),
                (upkeep.count, 60.0),
                (upkeep.launch, 2.0),
                (upkeep.sweep, 2.0),
                (upkeep.look, 300.0),
                (upkeep.prove_nightly, 600.0),
            ):
                tasks.create_task(_again(work, every, stop))
    finally:
        await database.dispose()


async def _again(work: Callable[[], Awaitable[object]], every: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await work()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("upkeep_failed", work=getattr(work, "__name__", ""), error=type(error).__name__)
            await pause(stop, BREATH)
            continue
        await pause(stop, every)
