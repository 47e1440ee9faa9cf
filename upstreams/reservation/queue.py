"""The lines in which requests wait. They make it quick and fair; PostgreSQL alone makes it right.

An entry names a request. Lost entries are put in again from PostgreSQL, doubled ones find their request decided. An
entry's number is its place: whoever has a lower one is decided first, and how many there are is told to those who wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zlib import crc32

import structlog
from asyncpg.pgproto import pgproto
from redis.exceptions import ResponseError

from config import key_space
from config.connections import Valkey
from upstreams.trade.allocation import Basket

GROUP = "workers"
"""Who knows up to where a line was taken."""
FOUND_LEFT_KEPT = 3600
"""Seconds after which it is forgotten how often a line was found with something left."""
_PUT = """
for _, id in ipairs(ARGV) do
    local entry = redis.call('XADD', KEYS[1], '0-*', 'id', id)
    redis.call('HSET', KEYS[2], id, string.sub(entry, 3))
end
"""
_JOIN = """
local place = string.sub(redis.call('XADD', KEYS[1], '0-*', 'id', ARGV[1]), 3)
redis.call('HSET', KEYS[2], ARGV[1], place)
local first = string.sub(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1], 3)
redis.call('PUBLISH', ARGV[4], '{"person":"' .. ARGV[2] .. '","id":"' .. ARGV[1] .. '","shard":' .. ARGV[3]
    .. ',"place":' .. place .. ',"first":' .. first .. '}')
return { tonumber(place), tonumber(first) }
"""
_DONE = """
for at = 3, #ARGV, 2 do
    for from = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), 1000 do
        local upto = math.min(from + 999, tonumber(ARGV[at + 1]))
        local entries, waited = {}, {}
        for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '0-' .. string.format('%d', from),
                                          '0-' .. string.format('%d', upto))) do
            entries[#entries + 1] = entry[1]
            for field = 1, #entry[2], 2 do
                if entry[2][field] == 'id' then waited[#waited + 1] = entry[2][field + 1] end
            end
        end
        if #entries > 0 then
            redis.call('XDEL', KEYS[1], unpack(entries))
        end
        if #waited > 0 then redis.call('HDEL', KEYS[2], unpack(waited)) end
    end
end
redis.call('PUBLISH', ARGV[1], ARGV[2])
"""
_PLACES = """
local front = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local first = front and tonumber(string.sub(front[1], 3)) or 0
local answer = { first }
for _, place in ipairs(redis.call('HMGET', KEYS[2], unpack(ARGV))) do
    answer[#answer + 1] = place and tonumber(place) or 0
end
return answer
"""
_ident: Callable[[str], UUID] = pgproto.UUID
"""The driver's own kind of UUID, which is read and written several times as fast."""
_log = structlog.get_logger(__name__)


class QueueLost(Exception):
    """The stream or its group is gone or went back in time: Valkey was emptied, replaced or rolled back."""


def shard_of(basket: Basket, shards: int) -> int:
    """Requests for the same first thing wait in the same line, so that they are decided together and in order."""
    return shard_of_first(basket.lines[0].sku, shards)


def shard_of_first(sku: str, shards: int) -> int:
    """The shard of a request whose first thing this is."""
    return crc32(sku.encode()) % shards


def turn(place: int, first: int) -> int:
    """Whose turn a number is where another is the first that waits: 1 is next."""
    return max(1, place - first + 1)


Entry = tuple[str, UUID]
"""An entry's id in the stream, and the request that it names."""


@dataclass(frozen=True, slots=True)
class Line:
    """How one line looks at a moment."""

    waiting: int
    """Entries that are not done."""
    last: int
    """The highest number that was ever given."""


class RequestQueue:
    """The lines of all shards."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._put: Any = valkey.register_script(_PUT)
        self._join: Any = valkey.register_script(_JOIN)
        self._places: Any = valkey.register_script(_PLACES)
        self._done: Any = valkey.register_script(_DONE)

    async def put(self, requests: Iterable[tuple[UUID, int]]) -> None:
        """Let requests wait, each in the line of its shard, in this order."""
        by_shard: dict[int, list[str]] = {}
        for ident, shard in requests:
            by_shard.setdefault(shard, []).append(str(ident))
        for shard, idents in by_shard.items():
            await self._put(
                keys=[key_space.reservation_shard(shard), key_space.reservation_tickets(shard)], args=idents
            )

    async def join(self, ident: UUID, shard: int, person: UUID) -> int:
        """Let one request wait, and answer whose turn it is: 1 is next. The person's open pages learn it too."""
        place, first = await self._join(
            keys=[key_space.reservation_shard(shard), key_space.reservation_tickets(shard)],
            args=[str(ident), str(person), shard, key_space.RESERVATION_WAITING],
        )
        return turn(place, first)

    async def positions(self, shard: int, idents: Sequence[UUID]) -> Mapping[UUID, int]:
        """Which turn each of these requests has: 1 is the next. Without those that do not wait."""
        first, places = await self.places(shard, idents)
        return {ident: turn(place, first) for ident, place in places.items()}

    async def places(self, shard: int, idents: Sequence[UUID]) -> tuple[int, Mapping[UUID, int]]:
        """The first number that waits in a line, and the numbers of these requests."""
        if not idents:
            return 0, {}
        keys = [key_space.reservation_shard(shard), key_space.reservation_tickets(shard)]
        first, *places = await self._places(keys=keys, args=[str(ident) for ident in idents])
        return first, {ident: place for ident, place in zip(idents, places, strict=True) if place}

    async def open(self, shard: int) -> bool:
        """Make the stream's group. True where there was none: whatever is queued must be put in again."""
        try:
            await self._valkey.xgroup_create(key_space.reservation_shard(shard), GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" in str(error):
                return False
            raise
        return True

    async def look(self, shard: int) -> Line:
        """How the line looks. Raises `QueueLost`."""
        try:
            about = await self._valkey.xinfo_stream(key_space.reservation_shard(shard))
        except ResponseError as error:
            raise QueueLost(str(error)) from error
        return Line(about["length"], int(str(about["last-generated-id"]).partition("-")[2]))

    async def take(self, shard: int, consumer: str, *, count: int, wait: float) -> list[Entry]:
        """Up to `count` new entries; waits so many seconds for the first. Raises `QueueLost`."""
        stream = key_space.reservation_shard(shard)
        try:
            # no list of what is whose: one worker serves a line, and what is done is deleted
            answer = await self._valkey.xreadgroup(
                GROUP, consumer, {stream: ">"}, count=count, block=max(1, int(wait * 1000)), noack=True
            )
        except ResponseError as error:
            raise _lost(error) from error
        return await self._sound(shard, _entries(answer))

    async def left(self, shard: int, *, count: int) -> list[Entry]:
        """Entries that somebody took and that are not done, the first first. Raises `QueueLost`."""
        stream = key_space.reservation_shard(shard)
        try:
            groups = await self._valkey.xinfo_groups(stream)
        except ResponseError as error:
            raise QueueLost(str(error)) from error
        taken = next((str(one["last-delivered-id"]) for one in groups if one["name"] == GROUP), None)
        if taken is None:
            raise QueueLost("the group is gone")
        entries: Any = await self._valkey.xrange(stream, "-", taken, count=count)
        return await self._sound(shard, entries)

    async def found_left(self, shard: int) -> int:
        """How often in a row a worker took up this line and found something left, with this time."""
        key = key_space.reservation_found_left(shard)
        async with self._valkey.pipeline() as pipeline:
            pipeline.incr(key)
            pipeline.expire(key, FOUND_LEFT_KEPT)
            times, _ = await pipeline.execute()
        return int(times)

    async def nothing_left(self, shard: int) -> None:
        """What was left is done."""
        await self._valkey.delete(key_space.reservation_found_left(shard))

    async def done(self, shard: int, entries: Sequence[Entry], told: Sequence[str] = ()) -> None:
        """Tell these messages; then the entries are dealt with and nobody needs to read them again.

        The messages first: should it break off in between, whoever takes the entries over tells again.
        """
        if not entries:
            return
        if told:
            async with self._valkey.pipeline(transaction=False) as pipeline:
                for message in told:
                    pipeline.publish(key_space.RESERVATION_RESULTS, message)
                await pipeline.execute()
        numbers = [int(entry.partition("-")[2]) for entry, _ in entries]
        await self._done(
            keys=[key_space.reservation_shard(shard), key_space.reservation_tickets(shard)],
            args=[
                key_space.RESERVATION_PROGRESS,
                f'{{"shard":{shard},"first":{numbers[-1] + 1}}}',
                *spans(numbers),
            ],
        )

    async def leave(self, shard: int, consumer: str) -> None:
        """Forget a consumer."""
        try:
            await self._valkey.xgroup_delconsumer(key_space.reservation_shard(shard), GROUP, consumer)
        except ResponseError as error:
            raise _lost(error) from error

    async def _sound(self, shard: int, entries: Iterable[tuple[str, dict[str, str] | None]]) -> list[Entry]:
        sound: list[Entry] = []
        broken: list[str] = []
        for entry, fields in entries:
            try:
                sound.append((entry, _ident((fields or {}).get("id", ""))))
            except ValueError:
                broken.append(entry)
        if broken:
            _log.error("unreadable_entries", shard=shard, count=len(broken))
            await self._valkey.xdel(key_space.reservation_shard(shard), *broken)
        return sound


def spans(numbers: Sequence[int]) -> list[int]:
    """Rising numbers as the first and the last of each run without a gap, one after the other."""
    found: list[int] = []
    for number in numbers:
        if found and found[-1] == number - 1:
            found[-1] = number
        else:
            found += (number, number)
    return found


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
