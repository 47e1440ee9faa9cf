"""How far this machine's clock is from Valkey's: moments that two machines noted can be compared by it."""

from __future__ import annotations

from config.clock import Clock
from config.connections import Valkey

ASKED = 5
"""How often; the quickest answer says it best, and is off by half of the time that it took, at most."""


async def server_offset(valkey: Valkey, clock: Clock) -> float:
    """Seconds to add to a moment of `clock` for the moment by Valkey's clock. Raises what the client raises."""
    found: list[tuple[float, float]] = []
    for _ in range(ASKED):
        asked = clock.timestamp()
        seconds, micros = await valkey.time()
        answered = clock.timestamp()
        found.append((answered - asked, int(seconds) + int(micros) / 1e6 - (asked + answered) / 2))
    return min(found)[1]
