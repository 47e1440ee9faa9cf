"""Which worker serves which line: each says that it is there, and takes its share; nobody assigns.

A lease only keeps two workers from getting in each other's way. Should two serve one line after all (one was asleep
while its lease ran out), the database lets each request be decided once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from config import key_space
from config.connections import Valkey

ALIVE = 6.0
"""Seconds after which a worker that says nothing is gone, and its leases with it."""
SAY_SO_EVERY = 1.0
"""Seconds between two signs of life."""

_SAY = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
_HOLD = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_DROP = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


def share(name: str, workers: Sequence[str], shards: int) -> frozenset[int]:
    """The lines that one of these workers serves: every line is served by one, and nobody serves two more than another.

    None for a worker that is not among them.
    """
    ordered = sorted(set(workers))
    if name not in ordered:
        return frozenset()
    return frozenset(range(ordered.index(name), shards, len(ordered)))


class Leases:
    """Those of one worker."""

    def __init__(self, valkey: Valkey, name: str, shards: int) -> None:
        self._valkey = valkey
        self._name = name
        self._shards = shards
        self._say: Any = valkey.register_script(_SAY)
        self._hold: Any = valkey.register_script(_HOLD)
        self._drop: Any = valkey.register_script(_DROP)

    async def say_so(self) -> frozenset[int]:
        """Say that the worker is there; answers its share."""
        workers = await self._say(keys=[key_space.RESERVATION_WORKERS], args=[self._name, ALIVE])
        return share(self._name, workers, self._shards)

    async def leave(self) -> None:
        """The worker goes: the others take its share at once."""
        await self._valkey.zrem(key_space.RESERVATION_WORKERS, self._name)

    async def hold(self, shard: int) -> bool:
        """Take or keep the lease of a line; False while another has it."""
        return bool(await self._hold(keys=[key_space.reservation_lease(shard)], args=[self._name, int(ALIVE * 1000)]))

    async def drop(self, shard: int) -> None:
        """Give the lease back."""
        await self._drop(keys=[key_space.reservation_lease(shard)], args=[self._name])
