"""Noticing a cancellation that was swallowed on the way."""

from __future__ import annotations

import asyncio


def cancelled() -> bool:
    """Whether this task was asked to stop, though it may have seen no `CancelledError`.

    Below Python 3.12 `asyncio.wait_for`, by which redis-py writes, hides a cancellation that arrives just as the write
    is done (CPython issue 86296): a loop around a client of Valkey has to ask.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
