"""Requests asking to be let in: all that come at the same moment ask Valkey together, in one round.

A round takes what stands waiting when it begins, so whoever comes alone waits for nobody. What it asks is a script for
each thing and one for each group of persons: asked one by one, a request would cost the process more than all else
that it does to refuse it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

from redis.exceptions import NoScriptError

from config import key_space
from config.connections import Valkey
from upstreams.reservation.pace import Pace
from upstreams.trade.allocation import Basket

ON_ITS_WAY = 10
"""Seconds for which a key is noted that was sent; once its request is durable, for longer."""
ROUNDS = 4
"""At work at once: each has a connection of its own."""
AT_ONCE = 256
"""Requests in a round."""
SENT = "sent"
"""What is noted of a key that was sent."""

_TAKE = """
local left, answers = redis.call('HGET', KEYS[1], 'a'), {}
if not left or left == '-1' then
    for at = 1, #ARGV do answers[at] = left and 1 or -1 end
    return answers
end
left = tonumber(left)
local taken, times = 0, 0
for at, wanted in ipairs(ARGV) do
    wanted = tonumber(wanted)
    if left - taken < wanted then
        answers[at] = 0
    else
        answers[at], taken, times = 1, taken + wanted, times + 1
    end
end
if times > 0 then
    redis.call('HINCRBY', KEYS[1], 'a', -taken)
    redis.call('HINCRBY', KEYS[1], 'n', times)
end
return answers
"""
_KNOW = """
local answers = {}
for at = 1, #KEYS, 2 do
    answers[at] = redis.call('SET', KEYS[at], 'sent', 'EX', ARGV[1], 'NX', 'GET') or ''
    answers[at + 1] = redis.call('INCR', KEYS[at + 1])
    if answers[at + 1] == 1 then redis.call('EXPIRE', KEYS[at + 1], ARGV[(at + 3) / 2]) end
end
return answers
"""


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


@dataclass(slots=True)
class Asking:
    """One request that asks, and what it is told."""

    basket: Basket
    person: UUID
    key: str
    pace: Pace
    told: asyncio.Future[tuple[Sequence[int], Key, int]]
    """What the gate says of each line, what is known of the key, and how many requests there were in the window."""


class Rounds:
    """Asks for many at once."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._take = valkey.register_script(_TAKE)
        self._know = valkey.register_script(_KNOW)
        self._waiting: list[Asking] = []
        self._at_work: set[asyncio.Task[None]] = set()

    async def ask(self, basket: Basket, person: UUID, key: str, pace: Pace) -> tuple[Sequence[int], Key, int]:
        """What each line, the key and the person's pace are told. Raises `RedisError` or `OSError`."""
        asking = Asking(basket, person, key, pace, asyncio.get_running_loop().create_future())
        self._waiting.append(asking)
        if len(self._at_work) < ROUNDS and len(self._waiting) == 1:
            self._begin()
        return await asking.told

    def _begin(self) -> None:
        """A task's first step comes after all that is ready now: whoever asks at this moment is in it."""
        task = asyncio.create_task(self._round())
        self._at_work.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._at_work.discard(task)
        if self._waiting and len(self._at_work) < ROUNDS:
            self._begin()

    async def _round(self) -> None:
        asked, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
        try:
            try:
                await self._tell(asked)
            except NoScriptError:  # Valkey is new: it learns the scripts once
                for script in (self._take, self._know):
                    await self._valkey.script_load(script.script)
                await self._tell(asked)
        except BaseException as error:
            for one in asked:
                if not one.told.done():
                    one.told.set_exception(error if isinstance(error, Exception) else ConnectionError("broken off"))
            if not isinstance(error, Exception):
                raise

    async def _tell(self, asked: Sequence[Asking]) -> None:
        quantities: dict[str, list[int]] = {}
        groups: dict[int, list[int]] = {}
        for number, one in enumerate(asked):
            groups.setdefault(key_space.reservation_group(one.person), []).append(number)
            for line in one.basket.lines:
                quantities.setdefault(line.sku, []).append(line.quantity)
        async with self._valkey.pipeline(transaction=False) as pipeline:
            pipeline.get(key_space.RESERVATION_KEYS_KNOWN)
            for numbers in groups.values():
                keys = [key for number in numbers for key in _keys(asked[number])]
                windows = [asked[number].pace.seconds for number in numbers]
                pipeline.evalsha(self._know.sha, len(keys), *keys, ON_ITS_WAY, *windows)
            for sku, wanted in quantities.items():
                pipeline.evalsha(self._take.sha, 1, key_space.reservation_gate(sku), *wanted)
            known, *told = await pipeline.execute()
        persons: dict[int, tuple[str, int]] = {}
        for numbers, answers in zip(groups.values(), told, strict=False):
            persons.update(zip(numbers, zip(answers[::2], answers[1::2], strict=True), strict=True))
        lines = {sku: iter(answers) for sku, answers in zip(quantities, told[len(groups) :], strict=True)}
        for number, one in enumerate(asked):
            before, count = persons[number]
            answers = [next(lines[line.sku]) for line in one.basket.lines]
            if not one.told.done():
                one.told.set_result((answers, _seen(before, known=known is not None), count))


def _keys(one: Asking) -> tuple[str, str]:
    return key_space.reservation_key(one.person, one.key), key_space.reservation_pace(one.person)


def _seen(before: Any, *, known: bool) -> Key:
    if before == SENT:
        return Key.ON_ITS_WAY
    return Key.NEW if not before and known else Key.KEPT
