"""The relay: the one of all its kin that carries the outbox to the stream. The root of `munjigi worker relay`.

Any number may run; one works, the others stand by for its lock. It comes back by itself after losing PostgreSQL or
Valkey.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from config import key_space
from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.settings import Settings
from events.bell import pokes
from events.metrics import RELAY_EPOCH, RELAY_TENURES_LOST
from events.storage.stream import EventStream, HeadLost
from events.tenure import Tenure

_BACKOFF = 0.1
_LOST = (SQLAlchemyError, RedisError, OSError, TimeoutError, HeadLost)
"""What ends a tenure and is followed by another; anything else is a fault of ours and ends the process."""

_log = structlog.get_logger(__name__)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Relay until `stop`; ready as soon as it relays or knows that another does."""
    database, valkey = open_database(settings, "worker"), open_valkey(settings)
    try:
        await relay(database, valkey, SystemClock(), ready, stop)
    finally:
        await valkey.aclose()
        await database.dispose()


async def relay(
    database: Database, valkey: Valkey, clock: Clock, ready: Callable[[], None], stop: asyncio.Event
) -> None:
    """Tenure after tenure until `stop`."""
    poked = asyncio.Event()
    async with pokes(valkey, key_space.OUTBOX_POKE, poked.set, backoff=_BACKOFF):
        while not stop.is_set():
            try:
                await _tenure(database, valkey, clock, poked, ready, stop)
            except _LOST as error:
                RELAY_TENURES_LOST.labels(type(error).__name__).inc()
                _log.warning("relay_tenure_lost", error=type(error).__name__, detail=str(error)[:200])
                await asyncio.sleep(_BACKOFF)
            finally:
                RELAY_EPOCH.set(0)


async def _tenure(
    database: Database,
    valkey: Valkey,
    clock: Clock,
    poked: asyncio.Event,
    ready: Callable[[], None],
    stop: asyncio.Event,
) -> None:
    async with _own_connection(database) as connection:
        tenure = Tenure(connection, EventStream(valkey), clock, poked)
        if not await tenure.acquire(stop, standing_by=ready):
            return
        await tenure.begin()
        ready()
        await tenure.run(stop)


@asynccontextmanager
async def _own_connection(database: Database) -> AsyncIterator[AsyncConnection]:
    """A connection that never goes back to the pool: the lock must go with it."""
    async with database.connect() as connection:
        try:
            yield connection
        finally:
            await connection.invalidate()
