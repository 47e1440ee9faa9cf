"""The policy that a process decides by: the last good version, swapped as a whole when another is published."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock
from config.connections import Database, Transaction
from jose.keys import PublicKeys
from policy.compiled_memory import give_back
from policy.compiled_versions import CompiledVersions, take_up
from policy.signature import UntrustedArtefact
from policy.snapshot import NONE, Snapshot

LOOK_EVERY = 10.0
"""Seconds after which a process looks by itself, should an event have been lost."""
TRY_AGAIN = 0.5
"""Seconds until the next attempt after one that failed."""

_log = structlog.get_logger(__name__)


class LivePolicy:
    """Holds `snapshot`, which is replaced and never changed; until a first version was loaded it denies everything."""

    def __init__(
        self,
        database: Database,
        versions: CompiledVersions,
        keys: Callable[[Transaction], Awaitable[PublicKeys]],
        clock: Clock,
        *,
        taken_up: Callable[[Snapshot], None] = lambda snapshot: None,
    ) -> None:
        """`keys` reads the public keys of purpose `policy`; `taken_up` is called after each swap."""
        self.snapshot = NONE
        self._database = database
        self._versions = versions
        self._keys = keys
        self._clock = clock
        self._taken_up = taken_up
        self._asked = asyncio.Event()
        self._trouble = ""

    async def refresh(self) -> bool:
        """Take up the published version; False, and the last good one is kept, where that cannot be done now."""
        try:
            async with self._database.connect() as tx:
                keys = await self._keys(tx)
                loaded = await take_up(
                    self._versions, tx, keys, now=self._clock.timestamp(), newer_than=self.snapshot.version
                )
        except (UntrustedArtefact, ValueError) as error:
            return self._keep(str(error))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            return self._keep(f"the database does not answer: {type(error).__name__}")
        self._trouble = ""
        if loaded is not None:
            memory, self.snapshot = self.snapshot.compiled, loaded
            _log.info("policy_taken_up", version=loaded.version)
            self._taken_up(loaded)
            await give_back(memory)
        return True

    def _keep(self, trouble: str) -> bool:
        """Say once what stands in the way, not at every attempt."""
        if trouble != self._trouble:
            _log.error("policy_not_taken_up", kept=self.snapshot.version, reason=trouble)
        self._trouble = trouble
        return False

    def changed(self) -> None:
        """Look soon: call it for an event of topic `policy` or `key`, and when events may have been missed."""
        self._asked.set()

    async def follow(self, stop: asyncio.Event) -> None:
        """Keep up with what is published until `stop` is set, or it is cancelled."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                self._asked.clear()
                wait = LOOK_EVERY if await self.refresh() else TRY_AGAIN
                asked = asyncio.create_task(self._asked.wait())
                try:
                    await asyncio.wait({asked, stopping}, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    asked.cancel()
        finally:
            stopping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await stopping
