"""The root of `munjigi worker decisions`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from audit import segments
from config.clock import SystemClock
from config.connections import open_database
from config.pause import pause
from config.settings import Settings
from policy.recording.copying import Copier
from policy.storage.decisions import RecordedDecisions

EVERY = 1.0
"""Seconds between two looks: a decision is found by its id so much later."""
MEGABYTE = 1024 * 1024

_log = structlog.get_logger(__name__)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Copy until `stop`, and once more then. Comes back by itself after losing PostgreSQL."""
    database = open_database(settings, "policy")
    copier = Copier(
        database,
        RecordedDecisions(),
        segments.folder(settings),
        SystemClock(),
        kept=timedelta(days=settings.policy.decisions_days),
        most=settings.policy.decisions_megabytes * MEGABYTE,
    )
    try:
        ready()
        stopping = False
        while not stopping:
            stopping = stop.is_set()
            try:
                await copier.look()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("decisions_not_copied", error=type(error).__name__, detail=str(error)[:200])
            if not stopping:
                await pause(stop, EVERY)
    finally:
        await database.dispose()
