"""What one open page is told, in order: what it missed, what happens from now on, and whose turn it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
from redis.exceptions import RedisError

from config.clock import Clock
from config.connections import Database, Transaction, reading
from upstreams.reservation.queue import RequestQueue
from upstreams.reservation.results import Hub, Page, Sign
from upstreams.reservation.stores import Stores

RECENT = timedelta(minutes=10)
"""Results of this last while are told to a page that knows none, even where another page acknowledged them."""

READING = 4
"""Pages that are shown at the same time what they missed; when all come back at once, the others wait their turn."""


class Told(msgspec.Struct, frozen=True):
    """One message to a page."""

    body: bytes
    """JSON."""
    event: int = 0
    """What the page names when it comes back; 0: this is not kept."""
    kind: str = "reservation"


class _Head(msgspec.Struct):
    event: int = 0
    kind: str = "reservation"


class Following:
    """Follows for pages."""

    def __init__(self, database: Database, stores: Stores, hub: Hub, queue: RequestQueue, clock: Clock) -> None:
        self._database = database
        self._stores = stores
        self._hub = hub
        self._queue = queue
        self._clock = clock
        self._at_once = asyncio.Semaphore(READING)

    async def follow(self, page: Page, known: int | None) -> AsyncGenerator[Told, None]:
        """Until this process goes. `known`: the last event that the page was told; None for a page that knows none.

        The same event may come twice: its number says so.
        """
        while True:
            item = await page.next()
            if item is Sign.LEAVE:
                return
            missed, waiting = ([_told(item)], []) if isinstance(item, bytes) else await self._read(page.person, known)
            for told in missed:
                if told.event:
                    known = max(known or 0, told.event)
                yield told
            if waiting:
                await self._wait(page.person, waiting)

    async def _read(self, person: UUID, known: int | None) -> tuple[Sequence[Told], Sequence[tuple[UUID, int]]]:
        """What a page missed, and which of its person's requests wait, each with its shard."""
        async with self._at_once, reading(self._database) as tx:
            return await self._missed(tx, person, known), await self._stores.waiting.of(tx, person)

    async def _missed(self, tx: Transaction, person: UUID, known: int | None) -> Sequence[Told]:
        if known is not None:
            events = await self._stores.happenings.since(tx, person, known)
            return [Told(event.json(), event.id, event.news.kind) for event in events]
        # a page that knows none is brought up to date by records; from there on it knows where it stands
        newest = await self._stores.happenings.newest(tx, person)
        records = await self._stores.records.to_tell(tx, person, self._clock.now() - RECENT)
        told = [Told(msgspec.json.encode({"kind": "record", **record.document()})) for record in reversed(records)]
        if newest:
            told.append(Told(msgspec.json.encode({"kind": "up_to_date", "event": newest}), newest, "up_to_date"))
        return told

    async def _wait(self, person: UUID, queued: Sequence[tuple[UUID, int]]) -> None:
        by_shard: dict[int, list[UUID]] = {}
        for ident, shard in queued:
            by_shard.setdefault(shard, []).append(ident)
        try:
            for shard, idents in by_shard.items():
                first, places = await self._queue.places(shard, idents)
                for ident, place in places.items():
                    self._hub.waits(person, ident, shard, place, first)
        except (RedisError, OSError):
            return  # the result comes all the same; only the turn is not known


def _told(published: bytes) -> Told:
    head = msgspec.json.decode(published, type=_Head)
    return Told(published, head.event, head.kind)
