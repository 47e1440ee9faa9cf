"""How far a published policy has come: each gateway says which version it decides by, for whoever waits for that.

It is told in Valkey and lost with it: nothing is decided by it.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from config.clock import Clock
from config.connections import Valkey
from config.key_space import POLICY_REACH

TELL_EVERY: Final = 2.0
"""Seconds after which a gateway says so again."""
SILENT: Final = 7.0
"""Seconds after which one that said nothing is taken for gone."""
_FORGET = 60.0


class Reached(msgspec.Struct, frozen=True):
    """What one gateway decides by."""

    gateway: str
    version: int
    """0: it has none yet, and denies everything."""
    at: float
    """Epoch seconds when it said so."""


class Telling:
    """A gateway's part."""

    def __init__(self, name: str, valkey: Valkey, clock: Clock) -> None:
        self.sooner = asyncio.Event()
        """Set when there is something new to say."""
        self._name = name
        self._valkey = valkey
        self._clock = clock
        self._version = 0

    def taken_up(self, version: int) -> None:
        """It decides by this version from now on."""
        self._version = version
        self.sooner.set()

    async def tell(self) -> None:
        """Say it."""
        said = Reached(self._name, self._version, self._clock.timestamp())
        await self._valkey.hset(POLICY_REACH, self._name, msgspec.json.encode(said).decode())

    async def leave(self) -> None:
        """It decides no more."""
        await self._valkey.hdel(POLICY_REACH, self._name)


async def reached(valkey: Valkey, now: float) -> tuple[Reached, ...]:
    """What the gateways that are there decide by, in the order of their names; those long gone are forgotten."""
    kept = await valkey.hgetall(POLICY_REACH)
    told = sorted((msgspec.json.decode(said, type=Reached) for said in kept.values()), key=lambda one: one.gateway)
    if gone := [one.gateway for one in told if now - one.at > _FORGET]:
        await valkey.hdel(POLICY_REACH, *gone)
    return tuple(one for one in told if now - one.at <= SILENT)
