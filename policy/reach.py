"""How far a published policy has come: each gateway says which version it decides by, for whoever waits for that.

It is told where policies come from: whoever can take one up can say so, with Valkey or without. Nothing is decided by
it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import msgspec
import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.connections import Database, Transaction

TELL_EVERY: Final = 5.0
"""Seconds after which a gateway says so again."""
SILENT: Final = 16.0
"""Seconds after which one that said nothing is not heard: it was cut off, or killed."""
FORGOTTEN: Final = 600.0
"""Seconds after which nobody waits for it any more. One that is stopped says that it leaves."""

_log = structlog.get_logger(__name__)


class Reached(msgspec.Struct, frozen=True):
    """What one gateway decides by."""

    gateway: str
    version: int
    """0: it has none yet, and denies everything."""
    age: float
    """Seconds since it said so."""


class Store(Protocol):
    """Where it is told; `policy.storage.reach` is it. All within the caller's transaction."""

    async def tell(self, tx: Transaction, gateway: str, version: int) -> None:
        """A gateway decides by this version."""

    async def leave(self, tx: Transaction, gateway: str) -> None:
        """It decides no more."""

    async def forget(self, tx: Transaction, seconds: float) -> None:
        """Whoever said nothing for so long."""

    async def told(self, tx: Transaction) -> Sequence[Reached]:
        """What all said last, in the order of their names."""


class Telling:
    """A gateway's part."""

    def __init__(self, name: str, database: Database, store: Store) -> None:
        self.sooner = asyncio.Event()
        """Set when there is something new to say."""
        self._name = name
        self._database = database
        self._store = store
        self._version = 0

    def taken_up(self, version: int) -> None:
        """It decides by this version from now on."""
        self._version = version
        self.sooner.set()

    async def tell(self) -> None:
        """Say it."""
        async with self._database.begin() as tx:
            await self._store.tell(tx, self._name, self._version)
            await self._store.forget(tx, FORGOTTEN)

    async def leave(self) -> None:
        """It decides no more. It never fails: whoever cannot say so is not heard any more."""
        try:
            async with self._database.begin() as tx:
                await self._store.leave(tx, self._name)
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            _log.warning("leaving_not_told", error=type(error).__name__)


class Reach(NamedTuple):
    """How far a policy has come."""

    heard: tuple[Reached, ...]
    unheard: tuple[Reached, ...]
    """Those that said something not long ago, and nothing since."""


async def reached(store: Store, tx: Transaction) -> Reach:
    """What the gateways decide by."""
    told = [one for one in await store.told(tx) if one.age <= FORGOTTEN]
    heard = tuple(one for one in told if one.age <= SILENT)
    return Reach(heard, tuple(one for one in told if one not in heard))
