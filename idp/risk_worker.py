"""The worker `risk`: learns from the history of sign-ins what is usual.

Any number of them may run; one learns at a time. This is its composition root, at the rim of the identity provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock, SystemClock
from config.connections import Database, open_database
from config.pause import pause
from config.settings import Settings
from idp.devices.sign_in_learning import AT_ONCE, learn
from idp.storage import sign_in_risk

EVERY = 30.0
"""Seconds."""

_log = structlog.get_logger(__name__)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run `risk` until `stop`."""
    database, clock = open_database(settings, "idp"), SystemClock()
    try:
        while not stop.is_set():
            try:
                await catch_up(database, clock, stop)
                ready()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("learning is held up", error=type(error).__name__)
            await pause(stop, EVERY)
    finally:
        await database.dispose()


async def catch_up(database: Database, clock: Clock, stop: asyncio.Event) -> int:
    """Learn from every sign-in that is settled, or until `stop`; each batch is a transaction. Returns how many."""
    learned, batch = 0, AT_ONCE
    while batch == AT_ONCE and not stop.is_set():
        async with database.begin() as tx:
            batch = await learn(tx, sign_in_risk, clock.now())
        learned += batch
    return learned
