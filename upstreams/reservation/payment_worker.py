"""The worker `payments`: drives payments and refunds of reservations. Any number may run, wherever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from config import key_space
from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import Entropy, SystemEntropy
from config.envelope import Envelope
from config.pause import pause
from config.settings import Settings
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
"""Seconds between two looks where no poke is heard."""
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
    poked = asyncio.Event()
    try:
        driver = build(settings, database, valkey, envelope, provider, clock, entropy)
        listener = asyncio.create_task(_listen(valkey, poked))
        try:
            ready()
            async with asyncio.TaskGroup() as lanes:
                lanes.create_task(_tidy(driver, stop))
                for lane in range(LANES):
                    lanes.create_task(_lane(driver, poked, stop, POLL if lane == 0 else None))
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener
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


async def _lane(driver: Driver, poked: asyncio.Event, stop: asyncio.Event, poll: float | None) -> None:
    """Drive what is due. `poll`: seconds between two looks where no poke is heard; the lane that looks wakes the others
    when it finds something. None: it is one of the others."""
    while not stop.is_set():
        poked.clear()
        try:
            while not stop.is_set() and await driver.drive():
                poked.set()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("payments_not_driven", error=type(error).__name__)
            await pause(stop, BREATH)
            continue
        await _until_poked(poked, stop, poll)


async def _tidy(driver: Driver, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            async with driver.database.begin() as tx:
                await driver.payments.forget_webhooks(tx, driver.clock.now() - WEBHOOKS_KEPT)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("webhooks_not_forgotten", error=type(error).__name__)
        await pause(stop, TIDY)


async def _until_poked(poked: asyncio.Event, stop: asyncio.Event, poll: float | None) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in (poked, stop)]
    try:
        await asyncio.wait(waiting, timeout=poll, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


async def _listen(valkey: Valkey, poked: asyncio.Event) -> None:
    """Hear of what is due at once; while the channel cannot be heard the poll stands in for it."""
    while True:
        try:
            async with valkey.pubsub(ignore_subscribe_messages=True) as channel:
                await channel.subscribe(key_space.PAYMENTS_POKE)
                while True:
                    if await channel.get_message(timeout=1.0):
                        poked.set()
        except (RedisError, OSError, TimeoutError):
            await asyncio.sleep(BREATH)
