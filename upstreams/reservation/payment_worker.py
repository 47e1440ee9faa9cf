"""The worker `payments`: drives payments and refunds of reservations. Any number may run, wherever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config import key_space
from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import Entropy, SystemEntropy
from config.envelope import Envelope
from config.pause import pause
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
from upstreams.trade.payments.provider import Provider

LANES = 4
"""Questions that one worker has under way at the provider at once."""
POLL = 1.0
"""Seconds between two looks of one lane where no poke is heard."""
SELDOM = 60.0
"""The same of the others, which it wakes."""
BREATH = 0.5
"""Seconds to wait when an engine is away."""
WEBHOOKS_KEPT = timedelta(days=7)
"""How long it stays known that a webhook was heard: longer than any provider sends it again."""
TIDY = 600.0
"""Seconds between two rounds of forgetting."""
_log = structlog.get_logger(__name__)


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
                lanes.create_task(bell.ring_at(stop))
                lanes.create_task(_tidy(driver, stop))
                lanes.create_task(_lane(driver, bell, stop, POLL))
                for _ in range(1, LANES):
                    lanes.create_task(_lane(driver, bell, stop, SELDOM))
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


async def _lane(driver: Driver, bell: Bell, stop: asyncio.Event, poll: float) -> None:
    """Drive what is due; who finds something wakes the others. `poll`: seconds between two looks where nobody rings."""
    while not stop.is_set():
        rung = bell.next()
        try:
            while not stop.is_set() and await driver.drive():
                bell.ring()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("payments_not_driven", error=type(error).__name__)
            await pause(stop, BREATH)
            continue
        if not stop.is_set():
            await pause(rung, poll)


async def _tidy(driver: Driver, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            async with driver.database.begin() as tx:
                await driver.payments.forget_webhooks(tx, driver.clock.now() - WEBHOOKS_KEPT)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("webhooks_not_forgotten", error=type(error).__name__)
        await pause(stop, TIDY)
