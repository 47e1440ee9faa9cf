"""Results on their way to open pages: published by whoever decided, delivered to the person's websockets.

The channel may lose a message. So a page is shown what it has not acknowledged whenever it connects, and whenever this
process had to subscribe anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from config import key_space
from config.connections import Database, Valkey
from events.cancellation import cancelled
from upstreams.reservation.happening import Event, Happenings
from upstreams.reservation.queue import turn

QUEUE_LIMIT = 256
"""Results that wait for one slow page; beyond it the page is shown everything anew."""
PAGES_PER_PERSON = 16
TOLD_AT_ONCE = 256
"""Events in one message of the channel."""
TURNS_EVERY = 1.0
"""Seconds between two looks at whose turn it is: nobody reads faster."""
BREATH = 0.5
"""Seconds to wait before subscribing again."""
LISTENS = 1.0
"""Seconds until it is looked whether somebody wants the listening to end, where no message comes."""
_HEARD = (key_space.RESERVATION_RESULTS, key_space.RESERVATION_PROGRESS, key_space.RESERVATION_WAITING)
_log = structlog.get_logger(__name__)


class _Message(msgspec.Struct):
    person: UUID
    reservation: UUID
    record: msgspec.Raw


class _Joined(msgspec.Struct):
    """`RESERVATION_WAITING`."""

    person: UUID
    id: UUID
    shard: int
    place: int
    first: int


class _Progress(msgspec.Struct):
    """`RESERVATION_PROGRESS`."""

    shard: int
    first: int


class _Turn(msgspec.Struct):
    """What a page is told of a request that waits."""

    id: UUID
    position: int
    kind: str = "position"
    state: str = "QUEUED"


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
                for message in messages(events):
                    pipeline.publish(key_space.RESERVATION_RESULTS, message)
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


def messages(events: Sequence[Event]) -> list[str]:
    """Events as the channel carries them, many in one message."""
    alike: dict[int, str] = {}
    """What most of a batch are told is the same, but for whom it is about."""
    encoded = []
    for event in events:
        number, news = event.id, event.news
        body = alike.get(id(news.body))
        if body is None:
            rest = msgspec.json.encode(news.body).decode()[1:]
            body = alike[id(news.body)] = f',"kind":"{news.kind}"{"," if news.body else ""}{rest}'
        ident = str(news.reservation)
        encoded.append(
            f'{{"person":"{news.person}","reservation":"{ident}","record":{{"event":{number},"id":"{ident}"{body}}}'
        )
    return [f"[{','.join(encoded[at : at + TOLD_AT_ONCE])}]" for at in range(0, len(encoded), TOLD_AT_ONCE)]


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
        self._waiting: dict[UUID, dict[UUID, tuple[int, int]]] = {}
        """By person, their waiting requests: the shard and the place of each."""
        self._first: dict[int, int] = {}
        self._shown: dict[UUID, int] = {}

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
            for ident in self._waiting.pop(page.person, {}):
                self._shown.pop(ident, None)
        if not self._pages:
            self._empty.set()

    def __len__(self) -> int:
        return sum(len(pages) for pages in self._pages.values())

    def waits(self, person: UUID, ident: UUID, shard: int, place: int, first: int) -> None:
        """A request of somebody waits: their pages are told whose turn it is, whenever that changes."""
        if person in self._pages:
            self._first[shard] = max(first, self._first.get(shard, 0)) if place > first else first
            self._waiting.setdefault(person, {})[ident] = (shard, place)

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
        turns = asyncio.create_task(self._tell_turns())
        try:
            while not cancelled():
                try:
                    async with self._valkey.pubsub() as channel:
                        await channel.subscribe(*_HEARD)
                        await self._deliver(channel)
                except (RedisError, OSError) as error:
                    _log.warning("results_not_heard", error=type(error).__name__)
                    await asyncio.sleep(BREATH)
        finally:
            turns.cancel()

    async def _deliver(self, channel: PubSub) -> None:
        while not cancelled():
            message = await channel.get_message(timeout=LISTENS)
            if message is not None:
                self._take(message)

    def _take(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "subscribe":
            if message["channel"] == key_space.RESERVATION_RESULTS:
                self._to_all(Sign.REPLAY)  # what was published before this moment went by unheard
        elif message["type"] != "message":
            return
        elif message["channel"] == key_space.RESERVATION_RESULTS:
            for heard in msgspec.json.decode(message["data"], type=list[_Message]):
                self._heard(heard)
        elif message["channel"] == key_space.RESERVATION_PROGRESS:
            progress = msgspec.json.decode(message["data"], type=_Progress)
            self._first[progress.shard] = progress.first
        else:
            joined = msgspec.json.decode(message["data"], type=_Joined)
            self.waits(joined.person, joined.id, joined.shard, joined.place, joined.first)

    def _heard(self, heard: _Message) -> None:
        pages = self._pages.get(heard.person)
        if not pages:
            return
        if self._waiting.get(heard.person, {}).pop(heard.reservation, None):
            self._shown.pop(heard.reservation, None)
        for page in pages:
            page.put(bytes(heard.record))

    async def _tell_turns(self) -> None:
        while True:
            await asyncio.sleep(TURNS_EVERY)
            self.tell_turns()

    def tell_turns(self) -> None:
        """Tell every page whose turn it is, where that changed."""
        for person, requests in self._waiting.items():
            for ident, (shard, place) in requests.items():
                position = turn(place, self._first.get(shard, place))
                if self._shown.get(ident) == position:
                    continue
                self._shown[ident] = position
                told = msgspec.json.encode(_Turn(ident, position))
                for page in self._pages.get(person, ()):
                    page.put(told)

    def _to_all(self, sign: Sign) -> None:
        for pages in self._pages.values():
            for page in pages:
                page.put(sign)
