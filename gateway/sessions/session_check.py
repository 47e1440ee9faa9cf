"""Is this session alive? From the near cache at once; a miss is filled from the projection in Valkey (S4)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog
from redis.exceptions import RedisError

from config import key_space
from config.clock import Clock
from config.connections import Valkey
from events.lease import Lease
from gateway.sessions.near_cache import EndedSession, LiveSession, NearCache
from gateway.sessions.staleness import FRESH, Staleness

_log = structlog.get_logger(__name__)

READ_TIMEOUT = 1.0
"""Seconds."""
READS_AT_ONCE = 64
"""Questions to the projection under way at a time: after a reset everybody's session is asked for."""
FILL_ATTEMPTS = 20
FILL_PAUSE = 0.05
"""Seconds between attempts: a session that was just begun may take a moment to appear in the projection."""


class StoreUnreachable(Exception):
    """The projection could not be read: the session's state is unknown."""


class SessionEvent(msgspec.Struct):
    """The payload of topic `session`, as docs/house.md has it."""

    sid: str
    version: int
    state: str
    idle_expires_at: float = 0.0
    absolute_expires_at: float = 0.0
    reason: str | None = None
    ended_by: dict[str, Any] | None = None
    revoked: frozenset[str] = frozenset()
    at: float = 0.0
    probe: bool = False
    """It is the built-in probe's: nobody has it, and nothing of it stays."""
    ends_at: float = 0.0
    """Of a probe that lives: when it will be ended, by Valkey's clock."""


class SessionCheck:
    """The near cache, its lease, and whoever wants to hear that a session ended or changed."""

    def __init__(self, *, valkey: Valkey, clock: Clock, lease: float, cache: NearCache | None = None) -> None:
        self.cache = cache or NearCache()
        self.lease = Lease(lease)
        self.on_ended: list[Callable[[EndedSession], None]] = []
        self.on_changed: list[Callable[[str], None]] = []
        self.on_probe: Callable[[str, float], None] | None = None
        """Hears of a probe that begins: its id, and when it will be ended."""
        self.staleness = Staleness()
        self.age = 0.0
        """How many seconds old the state of sessions was when `overdue` was asked last; infinite where it never was."""
        self.hits = 0
        """Decisions that found their session in memory."""
        self.fills = 0
        """Sessions asked of the projection."""
        self._valkey = valkey
        self._clock = clock
        self._monotonic = clock.monotonic
        self._live = self.cache.live
        self._turns = asyncio.Semaphore(READS_AT_ONCE)
        self._filling: dict[str, asyncio.Task[LiveSession | EndedSession | None]] = {}

    def event(self, payload: Mapping[str, object]) -> None:
        """Take one event of topic `session`."""
        event = msgspec.convert(payload, SessionEvent)
        now = self._clock.timestamp()
        if event.probe:
            self._probe(event)
        elif event.state == "ended":
            self._end(EndedSession(event.sid, event.version, event.reason or "", event.at or now, event.ended_by))
        # one that is being asked for is learnt, too: what was read before the event is older than it
        elif (event.sid in self.cache.live or event.sid in self._filling) and self.cache.learn_live(
            event.sid,
            event.version,
            idle_expires_at=event.idle_expires_at,
            absolute_expires_at=event.absolute_expires_at,
            revoked=event.revoked,
        ):
            for tell in self.on_changed:
                tell(event.sid)

    def _probe(self, event: SessionEvent) -> None:
        """A probe lives in the near cache between its two events; it leaves no tombstone."""
        if event.state == "ended":
            self.cache.live.pop(event.sid, None)
        elif self.on_probe is not None:
            self.cache.learn_live(
                event.sid,
                event.version,
                idle_expires_at=event.idle_expires_at,
                absolute_expires_at=event.absolute_expires_at,
            )
            self.on_probe(event.sid, event.ends_at)

    def warm(self, sid: str, now: float) -> LiveSession | None:
        """The session, where the near cache says that it lives; None: ask `state`. `now` is epoch seconds."""
        session = self._live.get(sid)
        return session if session is not None and now < session.expires_at else None

    def overdue(self) -> float | None:
        """None while the near cache may be believed; else the seconds since the lease ran out. Counts one decision."""
        monotonic = self._monotonic()
        lease, staleness = self.lease, self.staleness
        self.age = age = monotonic - lease.vouched
        if age < FRESH:  # `Staleness.observe` and `Lease.overdue`, without a call: every request comes by here
            staleness.fresh += 1
            staleness.sum += age
        else:
            staleness.observe(age)
        return None if monotonic < lease.until else monotonic - lease.until

    def heartbeat(self, t: float) -> None:
        """Take a heartbeat of the relay."""
        self.lease.renew(t, wall=self._clock.timestamp(), monotonic=self._clock.monotonic())

    def reset(self) -> None:
        """The stream has a gap, a new epoch, or lost its tail: whatever was believed live is unknown again."""
        self.lease.drop(self._clock.monotonic())
        self.cache.reset()

    async def state(self, sid: str) -> LiveSession | EndedSession | None:
        """The state of a session now, asked of the projection where the near cache cannot say that it lives.

        One past its time has ended, whoever has noticed (S6). None: nobody knows it (yet). Raises `StoreUnreachable`.
        """
        session = self.cache.find(sid)
        if session is None or self._is_over(session):
            # another gateway may have seen an act that this one has not heard of
            session = await self.fill(sid)
        if isinstance(session, LiveSession) and self._is_over(session):
            absolute = session.absolute_expires_at <= session.idle_expires_at
            return EndedSession(sid, session.version, "absolute" if absolute else "idle", session.expires_at)
        return session

    def _is_over(self, session: LiveSession | EndedSession) -> bool:
        return isinstance(session, LiveSession) and self._clock.timestamp() >= session.expires_at

    async def fill(self, sid: str) -> LiveSession | EndedSession | None:
        """Ask the projection; one question at a time for one session. None: it knows nothing of it.

        Raises `StoreUnreachable`.
        """
        task = self._filling.get(sid)
        if task is None:
            self.fills += 1
            task = asyncio.create_task(self._fill(sid))
            self._filling[sid] = task
            task.add_done_callback(lambda done: self._filled(sid, done))
        return await asyncio.shield(task)

    def _filled(self, sid: str, task: asyncio.Task[LiveSession | EndedSession | None]) -> None:
        self._filling.pop(sid, None)
        if not task.cancelled():
            task.exception()  # whoever still waits raises it; where nobody does, it is not news

    async def _fill(self, sid: str) -> LiveSession | EndedSession | None:
        for _ in range(FILL_ATTEMPTS):
            generation = self.cache.generation
            fields = await self._read(sid)
            if generation == self.cache.generation and self._take(sid, fields):
                return self.cache.find(sid)
            if isinstance(known := self.cache.find(sid), EndedSession):
                return known
            await asyncio.sleep(FILL_PAUSE)
        return None

    async def _read(self, sid: str) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(READ_TIMEOUT), self._turns:
                fields = await self._valkey.hgetall(key_space.session(sid))
                return {str(name): str(value) for name, value in fields.items()}
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreUnreachable(type(error).__name__) from error

    def _take(self, sid: str, fields: Mapping[str, str]) -> bool:
        if not fields:
            return False
        try:
            self._learn(sid, fields)
        except (KeyError, ValueError) as error:
            raise StoreUnreachable(f"the projection of {sid} can't be read") from error
        return True

    def _learn(self, sid: str, fields: Mapping[str, str]) -> None:
        version = int(fields["v"])
        if fields["state"] == "live":
            self.cache.learn_live(
                sid,
                version,
                idle_expires_at=float(fields["idle"]),
                absolute_expires_at=float(fields["abs"]),
                revoked=frozenset(fields.get("revoked", "").split()),
            )
        else:
            self._end(EndedSession(sid, version, fields.get("reason", ""), self._clock.timestamp()))

    def _end(self, tombstone: EndedSession) -> None:
        if self.cache.learn_ended(tombstone, now=self._clock.timestamp()):
            _log.info("session_ended", sid=tombstone.sid, reason=tombstone.reason)
            for tell in self.on_ended:
                try:
                    tell(tombstone)
                except Exception:
                    _log.exception("not_told_of_an_end", sid=tombstone.sid)  # the others must hear of it all the same
