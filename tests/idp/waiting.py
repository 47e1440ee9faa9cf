"""Until others wait for a lock: how a test makes two transactions meet where it wants them to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy import text

from config.connections import Database
from config.sections.engines import Role

OpenDatabase = Callable[[Role], Database]

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
    "AND wait_event_type = 'Lock' AND wait_event IN ('relation', 'transactionid', 'tuple')"  # not the growth of a table
)


async def waiting(owner: Database, count: int, *, or_done: asyncio.Task[object] | None = None) -> None:
    """Return once `count` transactions wait for a lock, or a task is over that should have waited."""
    async with asyncio.timeout(20):
        while or_done is None or not or_done.done():
            async with owner.connect() as watch:
                if (await watch.execute(_WAITING)).scalar_one() >= count:
                    return
            await asyncio.sleep(0.01)
