"""How a loop waits for its next round, and stops waiting when it is asked to."""

from __future__ import annotations

import asyncio


async def pause(wake: asyncio.Event, seconds: float) -> None:
    """Wait until `wake` is set, at most so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await wake.wait()
    except TimeoutError:
        return
