"""`munjigi sessions`: what is done to all sessions at once."""

from __future__ import annotations

from collections.abc import Callable

from config.settings import Settings
from idp.every_session import every_session


async def count(settings: Settings) -> int:
    """How many sessions have not ended."""
    async with every_session(settings) as every:
        return await every.count()


async def end_all(settings: Settings, why: str, progress: Callable[[int], None]) -> int:
    """End them; `progress` hears after each transaction how many ended in it. Returns how many ended."""
    total = 0
    async with every_session(settings) as every:
        async for ended in every.end(why):
            total += ended
            progress(ended)
    return total
