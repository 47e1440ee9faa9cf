"""What is done again and again beside the way; a failure is logged, and the next round tries again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from gateway.sessions.session_check import StoreUnreachable

_log = structlog.get_logger(__name__)


async def every(
    seconds: float,
    work: Callable[[], Awaitable[object]],
    stop: asyncio.Event,
    *,
    sooner: asyncio.Event | None = None,
) -> None:
    """Do `work` now and every so many seconds, or when `sooner` is set, until `stop` is set.

    Work that answers with a number is done again after so many seconds instead.
    """
    while not stop.is_set():
        if sooner is not None:
            sooner.clear()
        wait = seconds
        try:
            answer = await work()
            if isinstance(answer, float):
                wait = answer
        except (StoreUnreachable, SQLAlchemyError, RedisError, OSError, TimeoutError) as error:
            _log.warning("round_failed", work=getattr(work, "__qualname__", str(work)), error=type(error).__name__)
        except Exception:
            _log.exception("round_failed", work=getattr(work, "__qualname__", str(work)))
        await pause(wait, stop, sooner=sooner)


async def pause(seconds: float, stop: asyncio.Event, *, sooner: asyncio.Event | None = None) -> None:
    """Wait, but not beyond `stop` or `sooner`."""
    waiting = [asyncio.ensure_future(event.wait()) for event in (stop, sooner) if event is not None]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
