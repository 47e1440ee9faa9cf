"""Keeps up with which version shadows live traffic, and writes what that shows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from config.clock import Clock
from config.connections import Database, Transaction
from gateway.decision.shadowing import Shadowing
from jose.keys import PublicKeys
from policy import shadow
from policy.compiled_versions import CompiledVersions
from policy.shadow import Count, Shadow
from policy.signature import UntrustedArtefact

LOOK_EVERY = 10.0
"""Seconds after which a gateway looks by itself, should an event have been lost."""
WRITE_EVERY = 1.0
"""Seconds between two writes of what was seen."""

_log = structlog.get_logger(__name__)


class RunningShadows(Protocol):
    """Where shadows are kept; `policy.storage.shadows` is it."""

    async def running(self, tx: Transaction, at: datetime) -> Shadow | None:
        """The one that runs at a moment."""

    async def add(self, tx: Transaction, number: int, counts: Sequence[Count]) -> None:
        """Add what one gateway has seen since it last did."""


class ShadowUpkeep:
    """`look` and `write` are called in rounds; `changed` when something of the policy changed."""

    def __init__(
        self,
        database: Database,
        versions: CompiledVersions,
        shadows: RunningShadows,
        keys: Callable[[Transaction], Awaitable[PublicKeys]],
        clock: Clock,
        shadowing: Shadowing,
    ) -> None:
        """`keys` reads the public keys of purpose `policy`."""
        self.asked = asyncio.Event()
        """Set when `look` is to be called at once."""
        self._database = database
        self._versions = versions
        self._shadows = shadows
        self._keys = keys
        self._clock = clock
        self._shadowing = shadowing
        self._refused = 0

    def changed(self) -> None:
        """Look soon: an event of topic `policy`, or events may have been missed."""
        self.asked.set()

    async def look(self) -> None:
        """Take up the version that is shadowed now, or none. One that cannot be trusted is told of once."""
        now = self._clock.now()
        async with self._database.connect() as tx:
            found = await self._shadows.running(tx, now)
            if found is None:
                self._shadowing.end()
                return
            if found.id in (self._shadowing.shadowed, self._refused):
                return
            self._shadowing.end()
            try:
                keys = await self._keys(tx)
                snapshot = await shadow.load(self._versions, found, tx, keys, now=now.timestamp())
            except UntrustedArtefact as error:
                self._refused = found.id
                _log.error("shadow_not_taken_up", version=found.version, reason=str(error))
                return
        self._shadowing.begin(found, snapshot)
        _log.info("shadow_taken_up", version=found.version, share=found.share)

    async def write(self) -> None:
        """Write what was seen since the last time; what cannot be written now is kept, and bounded."""
        taken = dict(self._shadowing.take())
        while taken:
            number, counts = next(iter(taken.items()))
            try:
                async with self._database.begin() as tx:
                    await self._shadows.add(tx, number, counts)
            except BaseException:
                for each, kept in taken.items():
                    self._shadowing.put_back(each, kept)
                raise
            del taken[number]
