"""The worker `orders`: drives payments and refunds of purchases, and releases what nobody paid. Any number may run."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from config import key_space
from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import Entropy, SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from events.bell import Bell, pokes
from notifications.queue import Queue
from upstreams.commerce.faults import NONE, Faults
from upstreams.commerce.ordering.changes import Changes
from upstreams.commerce.ordering.telling import Telling
from upstreams.commerce.paying.affairs import PurchaseAffairs
from upstreams.commerce.paying.transfer import BankTransfers
from upstreams.commerce.storage.stores import postgresql_stores
from upstreams.commerce.storage.transfers import StoredTransfers
from upstreams.commerce.stores import Stores
from upstreams.trade.payments.choosing import provider_of
from upstreams.trade.payments.driver import Driver
from upstreams.trade.payments.lanes import BREATH, POLL, TIDY, in_rounds, open_lanes
from upstreams.trade.payments.provider import Provider

KEPT = timedelta(days=7)
"""How long it stays known that a webhook was heard."""
GUESTS_KEPT = timedelta(days=30)
"""How long a guest's cart is kept that nobody touches."""


@dataclass(frozen=True, slots=True)
class Work:
    """Everything that is driven."""

    database: Database
    stores: Stores
    changes: Changes
    drivers: Sequence[Driver]
    clock: Clock

    async def drive(self) -> bool:
        """One payment and one refund of each provider that are due. Whether there was anything to do."""
        return any([await driver.drive() for driver in self.drivers])

    async def expire(self) -> bool:
        """Release one purchase that nobody paid in time; False where there is none."""
        now = self.clock.now()
        async with self.database.begin() as tx:
            found = await self.stores.purchases.overdue(tx, now)
            if found is None:
                return False
            await self.changes.release(tx, found, "not paid in time", now, end="expired")
        await self.changes.telling.poke()
        return True

    async def expire_all(self) -> None:
        """Release whatever nobody paid in time."""
        while await self.expire():
            pass

    async def tidy(self) -> None:
        """Forget what is not needed any more."""
        now = self.clock.now()
        async with self.database.begin() as tx:
            await self.stores.payments.forget_webhooks(tx, now - KEPT)
            await self.stores.carts.forget(tx, now - GUESTS_KEPT)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Drive until `stop` is set; what was asked is written down first."""
    clock, entropy, envelope = SystemClock(), SystemEntropy(), Envelope.load(settings)
    database, valkey, provider = open_database(settings, "commerce"), open_valkey(settings), provider_of(settings)
    bell = Bell()
    try:
        work = build(settings, database, valkey, envelope, {provider.name: provider}, clock, entropy)
        async with pokes(valkey, key_space.ORDERS_POKE, bell.ring, backoff=BREATH):
            ready()
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(in_rounds(work.tidy, stop, TIDY))
                lanes.create_task(in_rounds(work.expire_all, stop, POLL))
                open_lanes(lanes, work.drive, bell, stop)
    finally:
        await provider.aclose()
        await valkey.aclose()
        await database.dispose()


def build(
    settings: Settings,
    database: Database,
    valkey: Valkey,
    envelope: Envelope,
    providers: Mapping[str, Provider],
    clock: Clock,
    entropy: Entropy,
    faults: Faults = NONE,
) -> Work:
    """What drives the payments of purchases over these engines; `providers` of cards and wallets, by name."""
    stores = postgresql_stores(envelope, entropy)
    telling = Telling(valkey, Queue(envelope, clock, entropy), stores.sellers, settings.shop_origin)
    changes = Changes(stores, telling)
    affairs = PurchaseAffairs(stores, changes, clock, entropy, faults)
    transfers = BankTransfers(database, StoredTransfers(), clock)
    drivers = [
        Driver(database, stores.payments, stores.refunds, provider, affairs, clock, random.SystemRandom())
        for provider in (*providers.values(), transfers)
    ]
    return Work(database, stores, changes, drivers, clock)
