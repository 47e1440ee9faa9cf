"""What cookies that nobody knows may cost: a flood of random ones must not become a flood of database reads.

A cookie that was looked up in vain is not looked up again for a while: they are random, so none comes to be later. An
address from which many came in vain goes on in a narrow lane of its own, so that whoever signed in from it still gets
in, and everybody else does not notice.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from config.clock import Clock
from config.problem import Problem, ProblemType
from config.subscriber import subscriber

TOO_MANY_UNKNOWN = ProblemType(
    "MJ-GATEWAY-217", HTTPStatus.TOO_MANY_REQUESTS, "Too many unknown sessions from your network",
    "Try again in a moment. Whoever is signed in can work on.",
)  # fmt: skip

UNKNOWN_FOR = 60.0
"""Seconds for which a cookie that is not there is not looked up again."""
UNKNOWN_KEPT = 20_000
WINDOW = 60.0
FRUITLESS = 60
"""Look-ups in vain within `WINDOW` seconds after which an address goes on in the narrow lane."""
ADDRESSES_KEPT = 10_000
WIDE, NARROW = (8, 512), (1, 16)
"""How many look up at once in a lane, and how many wait at most; more are told to come back."""


class _Lane:
    def __init__(self, bounds: tuple[int, int]) -> None:
        at_once, self._most = bounds
        self._free = asyncio.Semaphore(at_once)
        self._waiting = 0

    @asynccontextmanager
    async def entered(self) -> AsyncIterator[None]:
        if self._waiting >= self._most:
            raise Problem(TOO_MANY_UNKNOWN, headers={"Retry-After": "1"})
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()


class Strangers:
    """Of one process; everything in it is bounded."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._unknown: OrderedDict[bytes, float] = OrderedDict()
        self._fruitless: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """When an address's window began (monotonic seconds), and how many came in vain since."""
        self._wide, self._narrow = _Lane(WIDE), _Lane(NARROW)

    def is_unknown(self, cookie: bytes) -> bool:
        """Whether that cookie was looked up in vain a moment ago."""
        until = self._unknown.get(cookie)
        return until is not None and self._clock.monotonic() < until

    def in_vain(self, cookie: bytes, address: str) -> None:
        """There is no such cookie session."""
        now = self._clock.monotonic()
        self._unknown[cookie] = now + UNKNOWN_FOR
        while len(self._unknown) > UNKNOWN_KEPT:
            self._unknown.popitem(last=False)
        whose = subscriber(address)
        begun, count = self._fruitless.pop(whose, (now, 0))
        self._fruitless[whose] = (now, 1) if now - begun >= WINDOW else (begun, count + 1)
        while len(self._fruitless) > ADDRESSES_KEPT:
            self._fruitless.popitem(last=False)

    @asynccontextmanager
    async def looking_up(self, address: str) -> AsyncIterator[None]:
        """Around one look-up. Raises `TOO_MANY_UNKNOWN` where too many wait already."""
        begun, count = self._fruitless.get(subscriber(address), (0.0, 0))
        suspected = count >= FRUITLESS and self._clock.monotonic() - begun < WINDOW
        async with (self._narrow if suspected else self._wide).entered():
            yield
