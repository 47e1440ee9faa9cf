"""What this process let through, told to all nodes beside the way, and what they let through heard of in return.

Every `INTERVAL` each subject that took something is settled by one script: it moves the subject's moment in Valkey on
by what was taken, and answers how far ahead of now it is. So a request never waits for Valkey, every request that any
node let through is counted for all of them, and what went beyond the rate before a node heard of it is worked off
afterwards.

The bound: of N processes together no subject gets more in any W seconds than
`rate × W + burst + (N - 1) × (burst + rate × T)`, where T is `INTERVAL` and the round trips around it. For since it
heard last, a process has let through `burst + rate × T` of a subject at most, and the one that heard last counts all
but these of the others. In the long run it is the rate, to the request. Without Valkey each process keeps the rate by
itself: N times the rate, and never more.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import structlog
from redis.exceptions import RedisError

from config import key_space
from config.clock import Clock
from config.connections import Valkey
from gateway.limits.guard import Count, Guard

_log = structlog.get_logger(__name__)

INTERVAL = 0.1
"""Seconds between two settlements."""
PATIENCE = 1.0
"""Seconds that Valkey may take; then it counts as away, and what was to be settled is settled later."""
TOGETHER = 200
"""Subjects that one call of the script settles: it keeps Valkey from all others for that long."""

# KEYS: subjects, all of one slot. ARGV: for each, requests, microseconds that one takes up, microseconds since the
# first of them. Valkey's clock alone counts, so that the nodes' need not agree.
_SETTLE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ahead = {}
for i, key in ipairs(KEYS) do
  local since = now - ARGV[3 * i]
  local moment = tonumber(redis.call('GET', key) or 0)
  if moment < since then moment = since end
  moment = moment + ARGV[3 * i - 2] * ARGV[3 * i - 1]
  ahead[i] = math.floor(moment - now)
  if moment > now then
    redis.call('SET', key, string.format('%.0f', moment), 'PX', math.ceil((moment - now) / 1000))
  end
end
return ahead
"""


@dataclass(slots=True)
class _Taken:
    guard: Guard
    count: Count
    requests: int
    since: float


class Settlement:
    """Settles the guards of one process."""

    def __init__(self, valkey: Valkey, clock: Clock) -> None:
        self._valkey = valkey
        self._clock = clock
        self._script: Any = valkey.register_script(_SETTLE)
        self.away = False
        """Valkey did not take the last settlement."""

    async def settle(self, guards: Sequence[Guard]) -> None:
        """Tell what was taken since the last time, hear what all took, and forget who owes nothing any more."""
        taken = [one for guard in guards for one in _taken(guard)]
        shards: dict[int, list[tuple[str, _Taken]]] = {}
        for one in taken:
            key, shard = _key(one)
            shards.setdefault(shard, []).append((key, one))
        batches = [
            of_one[start : start + TOGETHER] for of_one in shards.values() for start in range(0, len(of_one), TOGETHER)
        ]
        if batches:
            await self._carry(batches, guards)
        now = self._clock.monotonic()
        for guard in guards:
            guard.sweep(now)

    async def _carry(self, batches: Sequence[list[tuple[str, _Taken]]], guards: Iterable[Guard]) -> None:
        sent_at = self._clock.monotonic()
        try:
            async with asyncio.timeout(PATIENCE), self._valkey.pipeline(transaction=False) as pipe:
                for batch in batches:
                    arguments = [argument for _, one in batch for argument in _arguments(one, sent_at)]
                    await self._script(keys=[key for key, _ in batch], args=arguments, client=pipe)
                answers: list[list[int]] = await pipe.execute()
        except (RedisError, OSError, TimeoutError) as error:
            self._is_away(True, guards, type(error).__name__)
            for batch in batches:
                for _, one in batch:
                    one.guard.unsettled(one.count, one.requests, one.since)
            return
        self._is_away(False, guards, "")
        for batch, ahead in zip(batches, answers, strict=True):
            for (_, one), microseconds in zip(batch, ahead, strict=True):
                one.guard.settled(one.count, sent_at + microseconds / 1e6)

    def _is_away(self, away: bool, guards: Iterable[Guard], error: str) -> None:
        if away and not self.away:
            _log.warning("rates_counted_here_alone", error=error)
        self.away = away
        for guard in guards:
            guard.settles = not away


def _taken(guard: Guard) -> Iterable[_Taken]:
    dirty, guard.dirty = guard.dirty, []
    for count in dirty:
        yield _Taken(guard, count, count.unsettled, count.since)
        count.unsettled = 0


def _key(one: _Taken) -> tuple[str, int]:
    rate = one.guard.rate
    named = f"{rate.scope}\0{rate.per}\0{rate.requests}\0{rate.seconds}\0{one.count.subject}"
    digest = hashlib.sha256(named.encode()).hexdigest()[:32]
    shard = crc32(digest.encode()) % key_space.RATE_SHARDS
    return key_space.rate(shard, digest), shard


def _arguments(one: _Taken, sent_at: float) -> tuple[int, int, int]:
    pace = one.guard.rate.pace
    return one.requests, max(1, round(pace * 1e6)), max(0, round((sent_at - one.since) * 1e6))
