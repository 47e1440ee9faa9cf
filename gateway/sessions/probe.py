"""The gateway's side of the built-in probe: until when would this process have let a session through? (`events.probe`)

It asks as the pipeline does, by a look into the near cache, about every millisecond, and on the same loop: where that
is busy, requests are late as well.
"""

from __future__ import annotations

import asyncio

import structlog
from redis.exceptions import RedisError

from config import key_space
from config.clock import Clock
from config.connections import Valkey
from events.probe import GONE_AFTER
from events.server_clock import server_offset
from gateway.sessions.session_check import SessionCheck

_log = structlog.get_logger(__name__)

ANNOUNCE_EVERY = 5.0
"""Seconds."""
ANNOUNCED_FOR = 15.0
"""Seconds without an announcement after which this gateway counts as gone, or cut off."""
BEFORE = 0.05
"""Seconds before the announced end at which it begins to ask."""
STEP = 0.001
PATIENCE = 3.0
"""Seconds past the announced end after which it gives up: the end was never heard of here."""
AT_ONCE = 4
"""Probes watched at a time."""
KEPT = 60
"""Seconds that a report waits to be read."""

STILL_LIVE, LOST = "still live", "lost"
"""Reports of a probe that was never ended here, and of one that was forgotten for another reason."""


class ProbeWatch:
    """Watches each probe that begins, and reports when it would have been refused."""

    def __init__(self, *, name: str, valkey: Valkey, clock: Clock, sessions: SessionCheck) -> None:
        """`name`: what metrics call this gateway; no other has it."""
        self.name = name
        self._valkey = valkey
        self._clock = clock
        self._sessions = sessions
        self._watching: set[asyncio.Task[None]] = set()

    async def announce(self) -> None:
        """Tell whoever probes that this gateway is there."""
        now = self._clock.timestamp() + await server_offset(self._valkey, self._clock)
        async with self._valkey.pipeline(transaction=False) as pipe:
            pipe.zadd(key_space.PROBE_GATEWAYS, {self.name: now + ANNOUNCED_FOR})
            pipe.zremrangebyscore(key_space.PROBE_GATEWAYS, "-inf", now - GONE_AFTER)
            pipe.expire(key_space.PROBE_GATEWAYS, int(GONE_AFTER + ANNOUNCED_FOR))
            await pipe.execute()

    async def leave(self) -> None:
        """It ends: nobody need wait for it."""
        for task in tuple(self._watching):
            task.cancel()
        try:
            await self._valkey.zrem(key_space.PROBE_GATEWAYS, self.name)
        except (RedisError, OSError, TimeoutError):
            return

    def began(self, sid: str, ends_at: float) -> None:
        """A probe lives, and will be ended at about `ends_at` (epoch seconds by Valkey's clock)."""
        if len(self._watching) < AT_ONCE:
            task = asyncio.get_running_loop().create_task(self._watch(sid, ends_at))
            self._watching.add(task)
            task.add_done_callback(self._watching.discard)

    async def _watch(self, sid: str, ends_at: float) -> None:
        try:
            offset = await server_offset(self._valkey, self._clock)
            said = await self._said(sid, ends_at - offset, offset)
            async with self._valkey.pipeline(transaction=False) as pipe:
                key = key_space.probe_reports(sid)
                pipe.hset(key, self.name, said)
                pipe.expire(key, KEPT)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("probe_not_reported", error=type(error).__name__)
        finally:
            self._sessions.cache.live.pop(sid, None)

    async def _said(self, sid: str, ends_at: float, offset: float) -> str:
        generation = self._sessions.cache.generation
        await asyncio.sleep(max(0.0, ends_at - BEFORE - self._clock.timestamp()))
        let_through = None
        while self._sessions.warm(sid, now := self._clock.timestamp()) is not None:
            let_through = now
            if let_through > ends_at + PATIENCE:
                return STILL_LIVE
            await asyncio.sleep(STEP)
        if let_through is None or generation != self._sessions.cache.generation:
            return LOST
        return repr(let_through + offset)
