"""A person's acts, carried to the session's idle clock: batched, coalesced per session, with their moments (S6)."""

from __future__ import annotations

import asyncio

import structlog
from redis.exceptions import RedisError
from redis.typing import EncodableT

from config import key_space
from config.clock import Clock
from config.connections import Valkey

_log = structlog.get_logger(__name__)

INTERVAL = 1.0
"""Seconds between two batches."""
LAST_MINUTES = 180.0
"""Seconds before a session's end from which an act is carried at once, so that 30 minutes are 30 minutes."""
LIMIT = 100_000
"""Sessions waiting while the store is away; the ones that acted longest ago go first."""
STREAM_LENGTH = 1_000_000
AT_ONCE = 0.5
"""Seconds that an act may take into the stream where somebody waits to hear that it counts: the worker takes one from
before the end for so long after it as `idp.sessions.session.ON_ITS_WAY` says, and reads it in that time."""


class Activity:
    """Collects touches on the warm path and carries them beside it."""

    def __init__(self, *, valkey: Valkey, clock: Clock) -> None:
        self._valkey = valkey
        self._clock = clock
        self._waiting: dict[str, float] = {}
        self._hurry = asyncio.Event()

    def touch(self, sid: str, at: float, *, expires_at: float) -> None:
        """A person acted in a session at `at`; `expires_at` is when it would have been over without."""
        self._waiting[sid] = max(at, self._waiting.get(sid, 0.0))
        if expires_at - at <= LAST_MINUTES:
            self._hurry.set()

    async def carry(self, sid: str, at: float) -> bool:
        """Carry one act now. False: it could not be, and waits like the others, so that nobody may count on it."""
        try:
            async with asyncio.timeout(AT_ONCE):
                await self._valkey.xadd(
                    key_space.ACTIVITY_STREAM, _fields(sid, at), maxlen=STREAM_LENGTH, approximate=True
                )
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("activity_waits", sessions=1, error=type(error).__name__)
            self._waiting[sid] = max(at, self._waiting.get(sid, 0.0))
            return False
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Carry batches until `stop` is set, and what is left then."""
        while not stop.is_set():
            stopping = asyncio.create_task(stop.wait())
            hurrying = asyncio.create_task(self._hurry.wait())
            try:
                await asyncio.wait({stopping, hurrying}, timeout=INTERVAL, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
                hurrying.cancel()
            await self.flush()

    async def flush(self) -> None:
        """Carry what waits. What cannot be carried now waits on."""
        self._hurry.clear()
        batch, self._waiting = self._waiting, {}
        if not batch:
            return
        try:
            async with asyncio.timeout(INTERVAL), self._valkey.pipeline(transaction=False) as pipe:
                for sid, at in batch.items():
                    pipe.xadd(key_space.ACTIVITY_STREAM, _fields(sid, at), maxlen=STREAM_LENGTH, approximate=True)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            _log.warning("activity_waits", sessions=len(batch), error=type(error).__name__)
            self._keep(batch)

    def _keep(self, batch: dict[str, float]) -> None:
        for sid, at in self._waiting.items():
            batch[sid] = max(at, batch.pop(sid, 0.0))
        while len(batch) > LIMIT:
            del batch[next(iter(batch))]
        self._waiting = batch


def _fields(sid: str, at: float) -> dict[EncodableT, EncodableT]:
    return {"sid": sid, "at": str(int(at * 1000))}
