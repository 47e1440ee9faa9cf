"""Who moves signing keys through their states: by schedule in the processes that own a purpose, or by command.

Any number of processes may keep the keys of one purpose: each change is made by one of them, under a lock, in one
transaction with its record, its event and whatever must be signed anew.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock
from config.connections import Database, Transaction
from jose.keys import ALGORITHMS_OF, Algorithm, KeyRing, PublicKeys, Purpose, SigningKey
from jose.rotation import KeyRecord, Make, Move, Schedule, State, due, hastened, prepared, replaced, withdrawn

LOOK_EVERY = 60.0
"""Seconds between two looks at what is due."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a key is from now on."""

    kid: str
    algorithm: Algorithm
    state: State
    until: datetime | None = None
    """Of a next key: when it will sign. Of a retiring one: when it will be believed no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Who changes keys, and why."""

    who: str
    why: str
    correlation_id: str = ""
    """Of the request that it came by; empty: of none."""


SCHEDULE = "schedule"
"""Why keys change that nobody asked to."""


class RotatingKeys(Protocol):
    """Where keys and their states are kept; `jose.storage.keys` is it. All within the caller's transaction."""

    async def hold(self, tx: Transaction, purpose: Purpose) -> None:
        """Wait until nobody else moves keys of a purpose, and keep others waiting until the transaction ends."""

    async def records(self, tx: Transaction, purpose: Purpose) -> Sequence[KeyRecord]:
        """Every key of a purpose, the oldest first."""

    async def move(
        self, tx: Transaction, purpose: Purpose, move: Move, made: SigningKey | None, now: datetime
    ) -> Sequence[Change]:
        """Carry one move out; `made` is the key that a `Make` is about."""

    async def load_ring(self, tx: Transaction, purpose: Purpose) -> KeyRing:
        """The keys that sign and those that verify."""

    async def public_keys(self, tx: Transaction, purpose: Purpose) -> PublicKeys:
        """Those that verify."""


class Tell(Protocol):
    """Records changes and tells every process of them, in the transaction that makes them."""

    async def __call__(
        self, tx: Transaction, purpose: Purpose, changes: Sequence[Change], published: Iterable[str], order: Order
    ) -> None: ...


Succession = Callable[[Transaction, PublicKeys, SigningKey, datetime], Awaitable[None]]
"""What else a new active key demands: called with the keys that verified before, and with the new key."""
_Rule = Callable[[Sequence[KeyRecord], datetime], Iterable[Move]]


class KeyKeeper:
    """Keeps the keys of one purpose."""

    def __init__(
        self,
        purpose: Purpose,
        keys: RotatingKeys,
        schedule: Schedule,
        tell: Tell,
        *,
        succession: Succession | None = None,
    ) -> None:
        self.purpose = purpose
        self._keys = keys
        self._schedule = schedule
        self._tell = tell
        self._succession = succession

    async def keep(self, tx: Transaction, order: Order, now: datetime) -> Sequence[Change]:
        """Do what is due."""
        return await self._change(tx, order, now, self._due)

    async def rotate(self, tx: Transaction, order: Order, now: datetime) -> Sequence[Change]:
        """Begin a rotation that no token notices: the next key signs as soon as it was published for long enough."""
        return await self._change(tx, order, now, self._hastened, self._due)

    async def prepare(self, tx: Transaction, order: Order, now: datetime) -> Sequence[Change]:
        """Publish the next keys before they are due, where there are none."""
        return await self._change(tx, order, now, self._prepared)

    async def retire(self, tx: Transaction, order: Order, kid: str, now: datetime) -> Sequence[Change]:
        """Believe a key that does not sign no more; none of this name: nothing changes. Raises `StillSigns`."""
        return await self._change(tx, order, now, lambda keys, _now: withdrawn(keys, kid))

    async def replace(self, tx: Transaction, order: Order, now: datetime) -> Sequence[Change]:
        """After a leak: new keys sign at once, and nothing is believed that any other key of this purpose signed."""
        return await self._change(tx, order, now, self._replaced)

    def _due(self, keys: Sequence[KeyRecord], now: datetime) -> Iterable[Move]:
        return due(keys, ALGORITHMS_OF[self.purpose], self._schedule, now)

    def _prepared(self, keys: Sequence[KeyRecord], now: datetime) -> Iterable[Move]:
        return prepared(keys, ALGORITHMS_OF[self.purpose], self._schedule, now)

    def _hastened(self, keys: Sequence[KeyRecord], now: datetime) -> Iterable[Move]:
        return hastened(keys, ALGORITHMS_OF[self.purpose], self._schedule, now)

    def _replaced(self, keys: Sequence[KeyRecord], _now: datetime) -> Iterable[Move]:
        return replaced(keys, ALGORITHMS_OF[self.purpose])

    async def _change(self, tx: Transaction, order: Order, now: datetime, *rules: _Rule) -> Sequence[Change]:
        await self._keys.hold(tx, self.purpose)
        before = await self._keys.public_keys(tx, self.purpose)
        changes: list[Change] = []
        for rule in rules:
            for move in rule(await self._keys.records(tx, self.purpose), now):
                made = None
                if isinstance(move, Make):  # beside the loop: an RSA key takes a while
                    made = await asyncio.to_thread(SigningKey.generate, move.algorithm)
                changes += await self._keys.move(tx, self.purpose, move, made, now)
        if changes:
            if self._succession is not None and any(change.state == "active" for change in changes):
                ring = await self._keys.load_ring(tx, self.purpose)
                await self._succession(tx, before, ring.active, now)
            await self._tell(tx, self.purpose, changes, await self._keys.public_keys(tx, self.purpose), order)
        return changes


async def watch(
    keeper: KeyKeeper,
    database: Database,
    clock: Clock,
    *,
    who: str,
    poke: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
) -> None:
    """Do what is due, again and again until `stop` is set; `who` is the process, for the record."""
    order = Order(who=who, why=SCHEDULE)
    while not stop.is_set():
        try:
            async with database.begin() as tx:
                changes = await keeper.keep(tx, order, clock.now())
            if changes:
                await poke()
        except (SQLAlchemyError, OSError) as error:
            _log.warning("keys_not_kept", purpose=keeper.purpose, error=type(error).__name__)
        except Exception:  # whatever it is, the process has more to do than this
            _log.exception("keys_not_kept", purpose=keeper.purpose)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await stop.wait()
