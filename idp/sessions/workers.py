"""The worker `activity`: carries what gateways saw into the idle clocks of sessions (S6).

Any number of them may run; they share the work by row locks and by the stream's group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from redis.exceptions import RedisError, ResponseError
from sqlalchemy.exc import SQLAlchemyError

from config import key_space
from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.pause import pause
from config.settings import Settings
from events import outbox
from idp.sessions.activity import Held, HeldActivity
from idp.sessions.one_session import OneSession
from idp.sessions.relying_parties import RelyingParties
from idp.sessions.session import SessionTimes
from idp.storage import deliveries
from idp.storage import sessions as session_storage

_log = structlog.get_logger(__name__)

GROUP = "sessions"
CONSUMER = "activity"
"""One name for all workers: what one read and did not finish is read again by the next."""
BATCH = 200
RETRY_AFTER = 1.0
_READ_MILLISECONDS = 500


class ActivityWorker:
    """Reads the stream of activity, holds it for a moment, and writes it."""

    def __init__(self, database: Database, valkey: Valkey, sessions: OneSession, clock: Clock) -> None:
        self._database = database
        self._valkey = valkey
        self._sessions = sessions
        self._clock = clock
        self._held = HeldActivity()
        self._cursor = "0"

    async def open(self) -> None:
        """Make the stream's group, unless it is there, and begin with what was left unfinished."""
        try:
            await self._valkey.xgroup_create(key_space.ACTIVITY_STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        self._held = HeldActivity()
        self._cursor = "0"

    async def step(self, *, block: int = _READ_MILLISECONDS) -> None:
        """Read what there is (waiting up to `block` milliseconds), then write what is due."""
        await self._read(block)
        while due := self._held.due(self._clock.now(), BATCH):
            await self._write(due)

    async def _read(self, block: int) -> None:
        while self._cursor != ">":
            left = await self._take(None)
            self._cursor = left or ">"
        await self._take(block)

    async def _take(self, block: int | None) -> str | None:
        """Hold the next entries. Returns the id of the last one."""
        answer = await self._valkey.xreadgroup(
            GROUP, CONSUMER, {key_space.ACTIVITY_STREAM: self._cursor}, count=BATCH * 5, block=block
        )
        entries = _entries(answer)
        now = self._clock.now()
        strange = [entry for entry, fields in entries if not self._held.take(entry, fields, now)]
        if strange:
            _log.warning("activity of nobody", entries=len(strange))
            await self._acknowledge(strange)
        return entries[-1][0] if entries else None

    async def _write(self, due: list[tuple[str, Held]]) -> None:
        done = []
        extended = False
        async with self._database.begin() as tx:
            for sid, held in due:
                now = self._clock.now()
                outcome = await self._sessions.touch(tx, sid, held.at, held=now - held.since)
                if outcome == "waits":
                    self._held.waits(sid, now)
                else:
                    done.append(sid)
                    extended = extended or outcome == "extended"
        if extended:
            await outbox.poke(self._valkey)
        await self._acknowledge(self._held.done(done))

    async def _acknowledge(self, entries: list[str]) -> None:
        if entries:
            async with self._valkey.pipeline(transaction=True) as pipe:
                pipe.xack(key_space.ACTIVITY_STREAM, GROUP, *entries)
                pipe.xdel(key_space.ACTIVITY_STREAM, *entries)
                await pipe.execute()


async def serve_activity(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Run `activity` until `stop`."""
    clock, entropy = SystemClock(), SystemEntropy()
    times = SessionTimes(
        idle_timeout=timedelta(seconds=settings.session.idle_timeout),
        absolute_lifetime=timedelta(seconds=settings.session.absolute_lifetime),
    )
    database, valkey = open_database(settings, "worker"), open_valkey(settings)
    concerned = (RelyingParties(deliveries, entropy),)
    worker = ActivityWorker(database, valkey, OneSession(session_storage, times, clock, entropy, concerned), clock)
    try:
        await _run(worker, ready, stop)
    finally:
        await valkey.aclose()
        await database.dispose()


async def _run(worker: ActivityWorker, ready: Callable[[], None], stop: asyncio.Event) -> None:
    open_ = False
    while not stop.is_set():
        try:
            if not open_:
                await worker.open()
                open_ = True
                ready()
            await worker.step()
        except (RedisError, SQLAlchemyError, OSError) as error:
            _log.warning("activity is held up", error=type(error).__name__)
            open_ = False
            await pause(stop, RETRY_AFTER)


def _entries(answer: Any) -> list[tuple[str, dict[str, str]]]:
    """The entries in an answer to XREADGROUP, in either version of the protocol (RESP2: pairs, RESP3: a map)."""
    if not answer:
        return []
    streams = list(answer.values()) if isinstance(answer, dict) else [entries for _, entries in answer]
    found = streams[0]
    if found and isinstance(found[0], list) and found[0] and isinstance(found[0][0], (list, tuple)):
        found = found[0]  # RESP3 wraps the entries of a stream once more
    return [(entry, fields or {}) for entry, fields in found]
