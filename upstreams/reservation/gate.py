"""A cheap refusal of what cannot be had: how many of each thing may still be asked for, in Valkey.

Whoever is let in takes their units from the gate with one atomic script; what is refused later, cancelled or expires is
given back. The gate never grants: PostgreSQL decides. A count that is too high lets a request through to be refused
there; one that is too low, left by a process that died, only under-sells until the reconciler has counted anew. A gate
that is missing is closed until it was made from PostgreSQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import structlog
from redis.exceptions import NoScriptError, RedisError

from config import key_space
from config.connections import Valkey
from upstreams.reservation.pace import Pace
from upstreams.trade.allocation import Basket

KEPT = 86_400
"""Seconds after which a gate that nobody used is forgotten, and a used idempotency key."""
ON_ITS_WAY = 10
"""Seconds for which a key is noted that was sent; once its request is durable, it is for `KEPT`."""
AT_ONCE = 32
"""Requests that one process asks of the gate at the same time: each has a connection of its own."""
UNCOUNTED = -1
"""Of a resource: only its times say whether it can be had."""

_SENT, _KEPT = "sent", "kept"
_TAKE = """
local left = redis.call('HGET', KEYS[1], 'a')
if not left then return -1 end
left = tonumber(left)
if left == -1 then return 1 end
if left < tonumber(ARGV[1]) then return 0 end
redis.call('HINCRBY', KEYS[1], 'a', -ARGV[1])
redis.call('HINCRBY', KEYS[1], 'n', 1)
return 1
"""
_GIVE = """
local left = redis.call('HGET', KEYS[1], 'a')
if not left or left == '-1' then return 0 end
redis.call('HINCRBY', KEYS[1], 'a', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'n', 1)
return 1
"""
_SET = """
if (redis.call('HGET', KEYS[1], 'n') or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'a', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'n', 1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
_PACE = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
"""
_log = structlog.get_logger(__name__)


class Answer(IntEnum):
    """What the gate says of one thing, or of a basket: the least of what it says of its lines."""

    CLOSED = -1
    SOLD_OUT = 0
    LET_IN = 1


class Key(Enum):
    """What the gate knows of an idempotency key."""

    NEW = "new"
    """Nobody sent it before."""
    ON_ITS_WAY = "on_its_way"
    """It was sent moments ago; PostgreSQL may not have it yet."""
    KEPT = "kept"
    """It was sent before, or Valkey was lost and cannot know: PostgreSQL does."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What the gate says of one request."""

    answer: Answer
    key: Key
    too_fast: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A gate at one moment."""

    left: int | None
    changes: str


class Gate:
    """What may still be asked for."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._take = valkey.register_script(_TAKE)
        self._give = valkey.register_script(_GIVE)
        self._set = valkey.register_script(_SET)
        self._pace = valkey.register_script(_PACE)

    async def admit(self, basket: Basket, person: UUID, key: str, pace: Pace) -> Admission:
        """Take the basket's units, all or none; and say whether the key is new and the person not too fast.

        Raises `RedisError` or `OSError` where Valkey is away: nothing is let in then.
        """
        async with self._at_once:
            before, known, count, *answers = await self._with_scripts(lambda: self._ask(basket, person, key, pace))
        answer = Answer(min(answers))
        too_fast = count > pace.requests
        if answer is not Answer.LET_IN or too_fast:
            let_in = {line.sku: line.quantity for line, one in zip(basket.lines, answers, strict=True) if one == 1}
            await self.give(let_in)
        return Admission(answer, _seen(before, known=known is not None), too_fast)

    async def _ask(self, basket: Basket, person: UUID, key: str, pace: Pace) -> list[Any]:
        async with self._valkey.pipeline(transaction=False) as pipeline:
            pipeline.set(key_space.reservation_key(str(person), key), _SENT, ex=ON_ITS_WAY, nx=True, get=True)
            pipeline.get(key_space.RESERVATION_KEYS_KNOWN)
            pipeline.evalsha(self._pace.sha, 1, key_space.reservation_pace(str(person)), str(pace.seconds))
            for line in basket.lines:
                pipeline.evalsha(self._take.sha, 1, key_space.reservation_gate(line.sku), str(line.quantity))
            found: list[Any] = await pipeline.execute()
            return found

    async def _with_scripts(self, ask: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
        try:
            return await ask()
        except NoScriptError:  # Valkey is new: it learns the scripts once
            for script in (self._take, self._give, self._set, self._pace):
                await self._valkey.script_load(script.script)
            return await ask()

    async def used(self, keys: Iterable[tuple[UUID, str]]) -> None:
        """Note that persons used these keys."""
        async with self._valkey.pipeline(transaction=False) as pipeline:
            for person, key in keys:
                pipeline.set(key_space.reservation_key(str(person), key), _KEPT, ex=KEPT)
            await pipeline.execute()

    async def keys_are_known(self) -> bool:
        """Whether every key that was used is noted; not where Valkey was lost."""
        return bool(await self._valkey.exists(key_space.RESERVATION_KEYS_KNOWN))

    async def know_keys(self) -> None:
        """Every key that was used is noted now."""
        await self._valkey.set(key_space.RESERVATION_KEYS_KNOWN, "1")

    async def give(self, units: Mapping[str, int]) -> None:
        """Let others ask for these. Without Valkey nothing is given; the reconciler counts anew."""
        try:
            for sku, count in units.items():
                if count:
                    await self._give(keys=[key_space.reservation_gate(sku)], args=[count])
        except (RedisError, OSError) as error:
            _log.warning("gate_not_given", error=type(error).__name__)

    async def see(self, sku: str) -> Seen:
        """The gate as it is."""
        left, changes = await self._valkey.hmget(key_space.reservation_gate(sku), ["a", "n"])
        return Seen(None if left is None else int(left), str(changes or ""))

    async def put(self, sku: str, left: int, seen: Seen) -> bool:
        """Set the gate to what PostgreSQL says, unless it changed since it was seen. Whether it was set."""
        done = await self._set(keys=[key_space.reservation_gate(sku)], args=[left, seen.changes, KEPT])
        return bool(done)


def _seen(before: str | None, *, known: bool) -> Key:
    if before == _SENT:
        return Key.ON_ITS_WAY
    return Key.NEW if before is None and known else Key.KEPT
