"""One tenure of the relay: from the lock to the first thing that goes wrong.

The lock and every claim live on one connection: when it dies, the lock is free and the claim undone at the same moment.
The epoch fences what the lock cannot: a relay that was stopped while it held a claim finds, when it wakes, that Valkey
refuses its epoch. Every surprise ends the tenure; the next one begins with a new epoch, and all subscribers forget what
they knew.

What Valkey may have lost is projected anew. Before the first heartbeat only ends that it may not know: those since the
last moment that it vouches for. Whoever fills their cache then never finds an ended session alive. All others follow
by pages between claims, so that no heartbeat waits for them; a session that is not there yet is unknown until then,
which is no end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from config.clock import Clock
from config.pause import pause
from events import projection
from events.metrics import OUTBOX_LAG, RELAY_BATCH, RELAY_EPOCH
from events.projection import SessionState
from events.storage import outbox
from events.storage.stream import EventStream
from events.subscription import HEARTBEAT

POLL = 0.05
"""Seconds that a commit without a poke waits at most."""
HEARTBEAT_INTERVAL = 0.1
BATCH = 500
_ANSWER_TIMEOUT = 1.0
"""Seconds that Valkey may take; a longer silence ends the tenure."""

_log = structlog.get_logger(__name__)


class Tenure:
    """Carries events while it holds the lock. Make a new one after any exception."""

    def __init__(self, connection: AsyncConnection, stream: EventStream, clock: Clock, poked: asyncio.Event) -> None:
        self._connection = connection
        self._stream = stream
        self._clock = clock
        self._poked = poked
        self._epoch = 0
        self._sequence = 0
        self._last_heartbeat = float("-inf")
        self._rest: AsyncIterator[list[SessionState]] | None = None

    async def acquire(self, stop: asyncio.Event, standing_by: Callable[[], None]) -> bool:
        """Wait for the lock; False when `stop` came first. `standing_by` is called while another holds it."""
        while not await outbox.try_lock(self._connection):
            standing_by()
            try:
                async with asyncio.timeout(4 * POLL):
                    await stop.wait()
            except TimeoutError:
                continue
            return False
        return not stop.is_set()

    async def begin(self) -> None:
        """Put a new epoch in force, so that no former relay can append, and project ends, and tokens that are revoked,
        that Valkey may not know."""
        self._epoch = await outbox.next_epoch(self._connection)
        async with asyncio.timeout(_ANSWER_TIMEOUT):
            stored = await self._stream.claim(self._epoch)
        if stored >= self._epoch:
            self._epoch = await outbox.next_epoch(self._connection, above=stored)
            async with asyncio.timeout(_ANSWER_TIMEOUT):
                await self._stream.claim(self._epoch)
        async with asyncio.timeout(_ANSWER_TIMEOUT):
            vouched = await self._stream.vouched()
        doubt = await outbox.doubt(self._connection, vouched)
        ended = 0
        async for sessions in outbox.ended_sessions(self._connection, doubt.since):
            await self._project(sessions)
            ended += len(sessions)
        async for sessions in outbox.revoking_sessions(self._connection):
            await self._project(sessions)
        self._rest = self._all_others(doubt)
        RELAY_EPOCH.set(self._epoch)
        _log.info("relay_begins", epoch=self._epoch, ended=ended)

    async def run(self, stop: asyncio.Event) -> None:
        """Carry events until `stop`, then what is left."""
        while True:
            stopping = stop.is_set()
            self._poked.clear()
            drained = await self.carry()
            if stopping and drained:
                return
            if not await self.rebuild() and drained:
                await pause(self._poked, POLL)

    async def rebuild(self) -> bool:
        """Project one more page of what Valkey may have lost. False: all of it is there."""
        if self._rest is None:
            return False
        page = await anext(self._rest, None)
        if page is None:
            self._rest = None
            _log.info("projection_rebuilt", epoch=self._epoch)
            return False
        await self._project(page)
        return True

    async def _all_others(self, doubt: outbox.Doubt) -> AsyncIterator[list[SessionState]]:
        async for page in outbox.live_sessions(self._connection):
            yield page
        async for page in outbox.ended_sessions(self._connection, doubt.oldest, doubt.since):
            yield page

    async def _project(self, sessions: list[SessionState]) -> None:
        async with asyncio.timeout(_ANSWER_TIMEOUT):
            await self._stream.project(sessions)

    async def carry(self) -> bool:
        """One claim: projection, then stream, then the deletion's commit. False where more may be waiting.

        In this order whoever reads an event finds the projection at least as new, and a crash at any step tells an
        event twice, never not at all; events are idempotent by (sid, version).
        """
        async with self._connection.begin():
            claim = await outbox.claim(self._connection, BATCH)
            drained = len(claim.events) < BATCH
            entries = [(event.topic, event.payload) for event in claim.events]
            vouched = None
            if drained and self._clock.monotonic() - self._last_heartbeat >= HEARTBEAT_INTERVAL:
                entries.append((HEARTBEAT, msgspec.json.encode({"t": claim.before}).decode()))
                self._last_heartbeat = self._clock.monotonic()
                vouched = claim.before
            if entries:
                async with asyncio.timeout(_ANSWER_TIMEOUT):
                    await self._stream.project(_told_sessions(claim))
                    self._sequence = await self._stream.append(self._epoch, self._sequence, entries, vouched)
        if claim.events:
            RELAY_BATCH.observe(len(claim.events))
            now = self._clock.timestamp()
            for event in claim.events:
                OUTBOX_LAG.observe(max(0.0, now - event.at))
        return drained


def _told_sessions(claim: outbox.Claim) -> list[SessionState]:
    found = []
    for event in claim.events:
        if event.topic == "session":
            try:
                found.append(projection.from_event(msgspec.json.decode(event.payload, type=dict[str, object])))
            except msgspec.ValidationError as error:
                # it goes on to the stream as it is: one wrong event must not hold back the ends behind it
                _log.error("session_event_malformed", error=str(error))
    return found
