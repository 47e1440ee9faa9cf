"""How a worker drives what is due at payment providers: several lanes, woken by a bell, and rounds beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.pause import pause
from events.bell import Bell

LANES: Final = 4
"""Questions that one worker has under way at a provider at once."""
POLL: Final = 1.0
"""Seconds between two looks of one lane where no poke is heard."""
SELDOM: Final = 60.0
"""The same of the others, which it wakes."""
BREATH: Final = 0.5
"""Seconds to wait when an engine is away."""
TIDY: Final = 600.0
"""Seconds between two rounds of forgetting."""
_log = structlog.get_logger(__name__)


def open_lanes(tasks: asyncio.TaskGroup, drive: Callable[[], Awaitable[bool]], bell: Bell, stop: asyncio.Event) -> None:
    """Drive what is due until `stop`. `drive`: one thing; whether there was anything to do."""
    tasks.create_task(bell.ring_at(stop))
    for poll in (POLL, *[SELDOM] * (LANES - 1)):
        tasks.create_task(_lane(drive, bell, stop, poll))


async def _lane(drive: Callable[[], Awaitable[bool]], bell: Bell, stop: asyncio.Event, poll: float) -> None:
    """Drive what is due; who finds something wakes the others. `poll`: seconds between two looks where nobody rings."""
    while not stop.is_set():
        rung = bell.next()
        try:
            while not stop.is_set() and await drive():
                bell.ring()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("payments_not_driven", error=type(error).__name__)
            await pause(stop, BREATH)
            continue
        if not stop.is_set():
            await pause(rung, poll)


async def in_rounds(act: Callable[[], Awaitable[object]], stop: asyncio.Event, every: float) -> None:
    """Do it now and every so many seconds until `stop`; what fails is done again in the next round."""
    while not stop.is_set():
        try:
            await act()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("round_failed", work=getattr(act, "__qualname__", ""), error=type(error).__name__)
        await pause(stop, every)
