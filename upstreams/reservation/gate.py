"""A cheap refusal of what cannot be had: how many of each thing may still be asked for, in Valkey.

Whoever is let in takes their units from the gate with one atomic script; what is refused later, cancelled or expires is
given back. The gate never grants: PostgreSQL decides. A count that is too high lets a request through to be refused
there; one that is too low, left by a process that died, only under-sells until the reconciler has counted anew. A gate
that is missing is closed until it was made from PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import structlog
from redis.exceptions import RedisError

from config import key_space
from config.connections import Valkey
from upstreams.reservation.admission import Admission, Answer, Rounds
from upstreams.reservation.pace import Pace
from upstreams.trade.allocation import Basket

KEPT = 86_400
"""Seconds after which a gate that nobody used is forgotten, and a used idempotency key."""
UNCOUNTED = -1
"""Of a resource: only its times say whether it can be had."""

_KEPT = "kept"
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
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """A gate at one moment."""

    left: int | None
    changes: str


class Gate:
    """What may still be asked for."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._rounds = Rounds(valkey)
        self._give = valkey.register_script(_GIVE)
        self._set = valkey.register_script(_SET)

    async def admit(self, basket: Basket, person: UUID, key: str, pace: Pace) -> Admission:
        """Take the basket's units, all or none; and say whether the key is new and the person not too fast.

        Raises `RedisError` or `OSError` where Valkey is away: nothing is let in then.
        """
        answers, seen, count = await self._rounds.ask(basket, person, key, pace)
        answer = Answer(min(answers))
        too_fast = count > pace.requests
        if answer is not Answer.LET_IN or too_fast:
            let_in = {line.sku: line.quantity for line, one in zip(basket.lines, answers, strict=True) if one == 1}
            if let_in:
                await self.give(let_in)
        return Admission(answer, seen, too_fast)

    async def used(self, keys: Iterable[tuple[UUID, str]]) -> None:
        """Note that persons used these keys."""
        async with self._valkey.pipeline(transaction=False) as pipeline:
            for person, key in keys:
                pipeline.set(key_space.reservation_key(person, key), _KEPT, ex=KEPT)
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
