"""Results on their way to open pages: published by whoever decided, delivered to the person's websockets.

The channel may lose a message. So a page is shown what it has not acknowledged whenever it connects, and whenever this
process had to subscribe anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from uuid import UUID

import msgspec
import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from config import key_space
from config.connections import Database, Valkey
from upstreams.reservation.happening import Event, Happenings

QUEUE_LIMIT = 256
"""Results that wait for one slow page; beyond it the page is shown everything anew."""
PAGES_PER_PERSON = 16
BREATH = 0.5
"""Seconds to wait before subscribing again."""
_log = structlog.get_logger(__name__)


class _Message(msgspec.Struct):
    person: UUID
    record: msgspec.Raw


class Teller:
    """Publishes what was written, to whoever holds the persons' pages."""

    def __init__(self, valkey: Valkey, database: Database, happenings: Happenings) -> None:
        self._valkey = valkey
        self._database = database
        self._happenings = happenings

    async def tell(self, events: Sequence[Event]) -> None:
        """Publish committed events, and note that they are told. Without Valkey the workers tell them later."""
        if events and await self.publish(events):
            async with self._database.begin() as tx:
                await self._happenings.mark_told(tx, [event.id for event in events])

    async def publish(self, events: Sequence[Event]) -> bool:
        """Publish events; whether they went out."""
        try:
            async with self._valkey.pipeline(transaction=False) as pipeline:
                for event in events:
                    pipeline.publish(key_space.RESERVATION_RESULTS, message(event))
                await pipeline.execute()
        except (RedisError, OSError) as error:
            _log.warning("results_not_published", count=len(events), error=type(error).__name__)
            return False
        return True

    async def tell_untold(self, before: datetime, *, limit: int) -> int:
        """Tell what others wrote before a moment and died, or had no Valkey, before they told it. Answers how many."""
        async with self._database.begin() as tx:
            events = await self._happenings.untold(tx, before, limit=limit)
            if events and await self.publish(events):
                await self._happenings.mark_told(tx, [event.id for event in events])
                return len(events)
        return 0


def message(event: Event) -> str:
    """An event as the channel carries it."""
    return msgspec.json.encode(_Message(event.news.person, msgspec.Raw(event.json()))).decode()


class Sign(Enum):
    """What a page's connection is told besides results."""

    REPLAY = "replay"
    """Read again what the page may have missed."""
    LEAVE = "leave"
    """This process goes; connect to another."""


class Page:
    """One open page of one person."""

    def __init__(self, person: UUID) -> None:
        self.person = person
        self._waiting: asyncio.Queue[bytes | Sign] = asyncio.Queue()
        self.put(Sign.REPLAY)

    def put(self, item: bytes | Sign) -> None:
        if self._waiting.qsize() >= QUEUE_LIMIT:
            while not self._waiting.empty():
                self._waiting.get_nowait()
            item = item if item is Sign.LEAVE else Sign.REPLAY
        self._waiting.put_nowait(item)

    async def next(self) -> bytes | Sign:
        """The next result as JSON, or a sign."""
        return await self._waiting.get()


class TooManyPages(Exception):
    """A person has more pages open than one needs."""


class Hub:
    """The open pages of this process."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._pages: dict[UUID, set[Page]] = {}
        self._leaving = False
        self._empty = asyncio.Event()

    def enter(self, person: UUID) -> Page:
        """A page opened. Raises `TooManyPages`."""
        pages = self._pages.setdefault(person, set())
        if len(pages) >= PAGES_PER_PERSON:
            raise TooManyPages
        page = Page(person)
        pages.add(page)
        self._empty.clear()
        if self._leaving:
            page.put(Sign.LEAVE)
        return page

    def leave(self, page: Page) -> None:
        """A page closed."""
        pages = self._pages.get(page.person, set())
        pages.discard(page)
        if not pages:
            self._pages.pop(page.person, None)
        if not self._pages:
            self._empty.set()

    def __len__(self) -> int:
        return sum(len(pages) for pages in self._pages.values())

    async def drain(self, patience: float) -> None:
        """Send every page away, and wait so many seconds at most until they went."""
        self._leaving = True
        self._to_all(Sign.LEAVE)
        if not self._pages:
            return
        try:
            async with asyncio.timeout(patience):
                await self._empty.wait()
        except TimeoutError:
            _log.warning("pages_left_behind", count=len(self))

    async def listen(self) -> None:
        """Deliver what is published, until cancelled."""
        while True:
            try:
                async with self._valkey.pubsub() as channel:
                    await channel.subscribe(key_space.RESERVATION_RESULTS)
                    await self._deliver(channel)
            except (RedisError, OSError) as error:
                _log.warning("results_not_heard", error=type(error).__name__)
                await asyncio.sleep(BREATH)

    async def _deliver(self, channel: PubSub) -> None:
        async for message in channel.listen():
            if message["type"] == "subscribe":
                self._to_all(Sign.REPLAY)  # what was published before this moment went by unheard
            elif message["type"] == "message":
                heard = msgspec.json.decode(message["data"], type=_Message)
                for page in self._pages.get(heard.person, ()):
                    page.put(bytes(heard.record))

    def _to_all(self, sign: Sign) -> None:
        for pages in self._pages.values():
            for page in pages:
                page.put(sign)
