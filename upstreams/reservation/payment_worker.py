"""The worker `payments`: drives payments and refunds of reservations. Any number may run, wherever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from config import key_space
from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import Entropy, SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from events.bell import Bell, pokes
from notifications.queue import Queue
from upstreams.reservation.changes import Changes
from upstreams.reservation.gate import Gate
from upstreams.reservation.paying.affairs import ReservationAffairs
from upstreams.reservation.results import Teller
from upstreams.reservation.storage.stores import postgresql_money_stores, postgresql_stores
from upstreams.reservation.telling import Telling
from upstreams.trade.payments.choosing import provider_of
from upstreams.trade.payments.driver import Driver
from upstreams.trade.payments.lanes import BREATH, TIDY, in_rounds, open_lanes
from upstreams.trade.payments.provider import Provider

WEBHOOKS_KEPT = timedelta(days=7)
"""How long it stays known that a webhook was heard: longer than any provider sends it again."""


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Drive until `stop` is set; what was asked is written down first."""
    clock, entropy, envelope = SystemClock(), SystemEntropy(), Envelope.load(settings)
    database, valkey, provider = open_database(settings, "reservation"), open_valkey(settings), provider_of(settings)
    bell = Bell()
    try:
        driver = build(settings, database, valkey, envelope, provider, clock, entropy)
        async with pokes(valkey, key_space.PAYMENTS_POKE, bell.ring, backoff=BREATH):
            ready()
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(in_rounds(partial(_tidy, driver), stop, TIDY))
                open_lanes(lanes, driver.drive, bell, stop)
    finally:
        await provider.aclose()
        await valkey.aclose()
        await database.dispose()


def build(
    settings: Settings,
    database: Database,
    valkey: Valkey,
    envelope: Envelope,
    provider: Provider,
    clock: Clock,
    entropy: Entropy,
) -> Driver:
    """What drives the payments of reservations over these engines."""
    stores, money = postgresql_stores(), postgresql_money_stores()
    teller = Teller(valkey, database, stores.happenings)
    mails = Queue(envelope, clock, entropy)
    telling = Telling(valkey, stores, teller, Gate(valkey), mails, settings.shop_origin)
    affairs = ReservationAffairs(stores, money, Changes(stores), telling, clock, entropy)
    return Driver(database, money.payments, money.refunds, provider, affairs, clock, random.SystemRandom())


async def _tidy(driver: Driver) -> None:
    async with driver.database.begin() as tx:
        await driver.payments.forget_webhooks(tx, driver.clock.now() - WEBHOOKS_KEPT)
