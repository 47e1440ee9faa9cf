"""The streams through which requests reach the workers. They make it quick; PostgreSQL alone makes it right.

An entry names a request. Lost entries are put in again from PostgreSQL, doubled ones find their request decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID
from zlib import crc32

import structlog
from redis.exceptions import ResponseError

from config import key_space
from config.connections import Valkey
from upstreams.trade.allocation import Basket

GROUP = "workers"
_log = structlog.get_logger(__name__)


class QueueLost(Exception):
    """The stream or its group is gone: Valkey was emptied or replaced."""


def shard_of(basket: Basket, shards: int) -> int:
    """Requests for the same first thing go through the same stream, so that they are decided together."""
    return crc32(basket.lines[0].sku.encode()) % shards


Entry = tuple[str, UUID]
"""An entry's id in the stream, and the request that it names."""


class RequestQueue:
    """The streams of all shards."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def put(self, requests: Iterable[tuple[UUID, int]]) -> None:
        """Name requests, each in the stream of its shard."""
        async with self._valkey.pipeline(transaction=False) as pipeline:
            for ident, shard in requests:
                pipeline.xadd(key_space.reservation_shard(shard), {"id": str(ident)})
            await pipeline.execute()

    async def open(self, shard: int) -> bool:
        """Make the stream's group. True where there was none: whatever is queued must be put in again."""
        try:
            await self._valkey.xgroup_create(key_space.reservation_shard(shard), GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" in str(error):
                return False
            raise
        return True

    async def take(self, shard: int, consumer: str, *, count: int, wait: float) -> list[Entry]:
        """Up to `count` new entries; waits so many seconds for the first. Raises `QueueLost`."""
        stream = key_space.reservation_shard(shard)
        try:
            answer = await self._valkey.xreadgroup(
                GROUP, consumer, {stream: ">"}, count=count, block=max(1, int(wait * 1000))
            )
        except ResponseError as error:
            raise _lost(error) from error
        return await self._sound(shard, _entries(answer))

    async def take_over(self, shard: int, consumer: str, *, count: int, idle: float) -> list[Entry]:
        """Entries that another consumer took `idle` seconds ago and never finished. Raises `QueueLost`."""
        try:
            answer = await self._valkey.xautoclaim(
                key_space.reservation_shard(shard),
                GROUP,
                consumer,
                min_idle_time=int(idle * 1000),
                start_id="0-0",
                count=count,
            )
        except ResponseError as error:
            raise _lost(error) from error
        return await self._sound(shard, answer[1])

    async def done(self, shard: int, entries: Sequence[str]) -> None:
        """These entries are dealt with: nobody needs to read them again."""
        if not entries:
            return
        stream = key_space.reservation_shard(shard)
        async with self._valkey.pipeline(transaction=False) as pipeline:
            pipeline.xack(stream, GROUP, *entries)
            pipeline.xdel(stream, *entries)
            await pipeline.execute()

    async def leave(self, shard: int, consumer: str) -> None:
        """Forget a consumer that has nothing left to do; one that has is left for others to take over from."""
        stream = key_space.reservation_shard(shard)
        pending = await self._valkey.xpending_range(stream, GROUP, min="-", max="+", count=1, consumername=consumer)
        if not pending:
            await self._valkey.xgroup_delconsumer(stream, GROUP, consumer)

    async def _sound(self, shard: int, entries: Iterable[tuple[str, dict[str, str] | None]]) -> list[Entry]:
        sound, broken = [], []
        for entry, fields in entries:
            try:
                sound.append((entry, UUID((fields or {}).get("id", ""))))
            except ValueError:
                broken.append(entry)
        if broken:
            _log.error("unreadable_entries", shard=shard, count=len(broken))
            await self.done(shard, broken)
        return sound


def _entries(answer: Any) -> list[tuple[str, dict[str, str] | None]]:
    """redis-py answers with a dictionary or a list of streams, according to the protocol that was agreed on."""
    if not answer:
        return []
    streams = answer.values() if isinstance(answer, dict) else [entries for _, entries in answer]
    found: list[tuple[str, dict[str, str] | None]] = []
    for entries in streams:
        # RESP3 nests the entries of a stream once more
        found.extend(entries[0] if entries and isinstance(entries[0], list) else entries)
    return found


def _lost(error: ResponseError) -> Exception:
    return QueueLost(str(error)) if "NOGROUP" in str(error) else error
