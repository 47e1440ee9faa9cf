"""The key ring of tokens in the memory of a node: read anew when an event says that it changed, and now and then."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from config.pause import pause
from jose.keys import KeyRing

READ_EVERY = 30.0
"""Seconds after which the ring is read without an event: a node that hears none must not sign with a former key for
longer than that verifies, nor miss a new one (`jose.rotation.SPARE`)."""

_log = structlog.get_logger(__name__)


class KeyCache:
    """Holds the ring; `load` reads it from storage. Whoever builds one calls `reload` once before serving."""

    def __init__(self, load: Callable[[], Awaitable[KeyRing]]) -> None:
        self._load = load
        self._ring: KeyRing | None = None
        self._stale = asyncio.Event()

    def ring(self) -> KeyRing:
        """The ring as it was last read."""
        if self._ring is None:
            raise LookupError("the key ring was never loaded")
        return self._ring

    async def reload(self) -> None:
        """Read the ring now."""
        self._ring = await self._load()

    def on_event(self, topic: str, payload: Mapping[str, object]) -> None:
        """A key of tokens changed."""
        if topic == "key" and payload.get("purpose") == "token":
            self._stale.set()

    def on_reset(self) -> None:
        """Events may have been lost."""
        self._stale.set()

    async def follow(self, *, read_every: float = READ_EVERY) -> None:
        """Read the ring whenever it is stale, and every so many seconds, until cancelled; a failure keeps the old ring
        and tries again."""
        while True:
            await pause(self._stale, read_every)
            self._stale.clear()
            try:
                await self.reload()
            except Exception as error:
                _log.warning("key_ring_not_reloaded", error=type(error).__name__)
                self._stale.set()
                await asyncio.sleep(1)
