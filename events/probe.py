"""The built-in probe: how long after its acknowledged end a session is still let through, at every gateway (S4).

Every few seconds a session that nobody has begins and ends, on the very way of all others: outbox, relay, projection,
stream. Each gateway keeps asking its own near cache about it and reports the last moment at which it would have let a
request through; the acknowledgement is the return of the end's commit. There is no row of it in `idp.session`, no token
speaks of it, and its projection goes by itself. The root of `munjigi worker probe`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import cast

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from config import key_space
from config.clock import Clock, SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import Entropy, SystemEntropy
from config.pause import pause
from config.settings import Settings
from events import outbox
from events.metrics import REVOCATION, REVOCATION_LAST, REVOCATION_MISSING
from events.server_clock import server_offset

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The `sub` of a probe: the nil UUID (RFC 9562, section 5.9), which no person has."""
INTERVAL = 15.0
"""Seconds between two probes of all workers together."""
AHEAD = 0.5
"""Seconds from a probe's beginning to its end: gateways must have begun to watch it."""
PATIENCE = 4.0
"""Seconds after the end within which a gateway has to report; no end may take as long."""
LIFE = 60.0
"""Seconds after which a probe would be over by itself."""
LOOK = 0.05
GONE_AFTER = 600.0
"""Seconds after its last announcement for which a gateway that did not take leave is expected: one that is cut off is
the one that matters. What was measured of it is told as long."""

_log = structlog.get_logger(__name__)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Probe until `stop`. Any number of workers may run: one of them probes at a time."""
    database, valkey = open_database(settings, "worker"), open_valkey(settings)
    probe = Probe(database, valkey, SystemClock(), SystemEntropy())
    ready()
    try:
        while not stop.is_set():
            try:
                if await probe.my_turn():
                    await probe.measure()
            except (RedisError, SQLAlchemyError, OSError, TimeoutError) as error:
                _log.warning("probe_failed", error=type(error).__name__)
            await pause(stop, INTERVAL)
    finally:
        await valkey.aclose()
        await database.dispose()


class Probe:
    """Begins and ends sessions that nobody has, and reads what the gateways report."""

    def __init__(self, database: Database, valkey: Valkey, clock: Clock, entropy: Entropy) -> None:
        self._database = database
        self._valkey = valkey
        self._clock = clock
        self._entropy = entropy
        self._seen: dict[str, float] = {}
        """Gateways, and until when they were announced (epoch seconds)."""

    async def my_turn(self) -> bool:
        """Whether no other worker probes in this interval."""
        taken = await self._valkey.set(key_space.PROBE_TURN, "", nx=True, px=int(INTERVAL * 900))
        return bool(taken)

    async def measure(self) -> Mapping[str, float]:
        """One probe: the seconds that each gateway still let it through. One that did not report is counted as such."""
        offset = await server_offset(self._valkey, self._clock)
        gateways = await self._gateways(self._clock.timestamp() + offset)
        if not gateways:
            return {}
        sid = self._entropy.token(16)
        ends_at = self._clock.timestamp() + AHEAD
        await self._tell(sid, 1, "live", ends_at, offset)
        await asyncio.sleep(max(0.0, ends_at - self._clock.timestamp()))
        acknowledged = await self._tell(sid, 2, "ended", ends_at, offset)
        reports = await self._reports(sid, gateways)
        found = {}
        for gateway in sorted(gateways):
            last = _moment(reports.get(gateway))
            if last is None:
                REVOCATION_MISSING.labels(gateway).inc()
                _log.warning("probe_not_reported", gateway=gateway, said=reports.get(gateway))
                continue
            found[gateway] = max(0.0, last - acknowledged)
            REVOCATION.labels(gateway).observe(found[gateway])
            REVOCATION_LAST.labels(gateway).set(found[gateway])
        return found

    async def _gateways(self, now: float) -> set[str]:
        """Those that announced themselves and did not leave; what was measured of one that is long gone is dropped."""
        since = now - GONE_AFTER
        announced = await self._valkey.zrangebyscore(key_space.PROBE_GATEWAYS, since, "+inf", withscores=True)
        there = {str(name): float(until) for name, until in cast("list[tuple[str, float]]", announced)}
        self._seen.update(there)
        for name in [name for name, at in self._seen.items() if at < since]:
            del self._seen[name]
            for metric in (REVOCATION, REVOCATION_LAST, REVOCATION_MISSING):
                metric.remove_by_labels({"gateway": name})
        return set(there)

    async def _tell(self, sid: str, version: int, state: str, ends_at: float, offset: float) -> float:
        """Commit one event; the moment of the commit's return, by Valkey's clock."""
        event = {
            "sid": sid,
            "sub": NOBODY,
            "version": version,
            "state": state,
            "idle_expires_at": ends_at + LIFE,
            "absolute_expires_at": ends_at + LIFE,
            "reason": None if state == "live" else "absolute",
            "ended_by": None,
            "at": self._clock.timestamp(),
            "probe": True,
            "ends_at": ends_at + offset,
        }
        async with self._database.begin() as tx:
            await outbox.append(tx, "session", sid, event)
        committed = self._clock.timestamp()
        await outbox.poke(self._valkey)
        return committed + offset

    async def _reports(self, sid: str, gateways: set[str]) -> Mapping[str, str]:
        reports: dict[str, str] = {}
        key = key_space.probe_reports(sid)
        until = self._clock.monotonic() + PATIENCE
        while not gateways <= reports.keys() and self._clock.monotonic() < until:
            await asyncio.sleep(LOOK)
            reports = {str(name): str(said) for name, said in (await self._valkey.hgetall(key)).items()}
        await self._valkey.delete(key)
        return reports


def _moment(report: str | None) -> float | None:
    """Epoch seconds of the last acceptance; None where there is none, or where the gateway could not tell."""
    try:
        return None if report is None else float(report)
    except ValueError:
        return None
