"""Listening: a process follows the event stream and learns when it may have missed something.

Callbacks are synchronous and run in stream order. `on_reset` says: forget everything that was learnt from events, since
some may have been missed. It comes first at the start, and again on a new epoch, a gap in the sequence, or a stream
that fell behind the cursor. Losing the connection alone resets nothing: heartbeats stop, so the lease runs out by
itself, and the sequence tells afterwards whether anything was missed.

Whoever fills a cache by an await: an answer that was asked for before an event or a reset, and arrives after it, may be
older than what the callback said; keep the higher version, and throw an answer from before a reset away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol, cast

import msgspec
import structlog
from redis.exceptions import RedisError, ResponseError

from config import key_space
from config.clock import Clock
from config.connections import Valkey
from events.cancellation import cancelled
from events.metrics import END_HEARD, SUBSCRIPTION_RESETS

HEARTBEAT = "heartbeat"
_BLOCK = 0.25
"""Seconds that a read waits: longer than two heartbeats, so waking without an entry is itself odd."""
_ANSWER_TIMEOUT = 2.0
"""Seconds after which a silent Valkey is taken for lost."""
_BACKOFF, _BACKOFF_MOST = 0.05, 0.4
"""Seconds before the first attempt to reach Valkey again, and before any later one: well within a lease."""
_BATCH = 512

_log = structlog.get_logger(__name__)


class OnEvent(Protocol):
    """Called for every event but heartbeats."""

    def __call__(self, topic: str, payload: Mapping[str, object], /) -> None: ...


class Subscription:
    """Follows the stream from its newest entry at the start, until `stop` is set."""

    def __init__(
        self,
        valkey: Valkey,
        clock: Clock,
        *,
        on_event: OnEvent,
        on_heartbeat: Callable[[float], None],
        on_reset: Callable[[], None],
    ) -> None:
        """`on_heartbeat(t)`: every end committed before `t` (epoch seconds, the database's clock) has been told."""
        self._valkey = valkey
        self._clock = clock
        self._on_event = on_event
        self._on_heartbeat = on_heartbeat
        self._on_reset = on_reset
        self._cursor: str | None = None
        self._epoch = -1
        self._sequence = -1

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the stream; reconnects by itself. Returns soon after `stop` is set, or when it is cancelled."""
        failures = 0
        while not (stop.is_set() or cancelled()):
            try:
                async with asyncio.timeout(_BLOCK + _ANSWER_TIMEOUT):
                    if self._cursor is None:
                        await self._start()
                    await self._read(self._cursor or "0-0")
                failures = 0
            except (RedisError, OSError, TimeoutError) as error:
                if not failures:  # once of each outage
                    _log.warning("event_stream_unreachable", error=type(error).__name__)
                await asyncio.sleep(min(_BACKOFF_MOST, _BACKOFF * 2**failures))
                failures = min(failures + 1, 10)

    async def _start(self) -> None:
        """Stand at the newest entry: everything appended after it will be seen."""
        newest = await self._valkey.xrevrange(key_space.EVENT_STREAM, count=1)
        if newest:
            ((self._cursor, fields),) = _pairs(newest)
            self._epoch, self._sequence = int(fields["e"]), int(fields["s"])
        else:
            self._cursor = "0-0"
        self._reset("start")  # only now: what was learnt before the cursor stood may be older than an event before it

    async def _read(self, cursor: str) -> None:
        answer = await self._valkey.xread({key_space.EVENT_STREAM: cursor}, count=_BATCH, block=int(_BLOCK * 1000))
        entries = _entries(answer)
        if not entries:
            await self._look_for_a_lost_stream(cursor)
        for entry_id, fields in entries:
            self._cursor = entry_id
            try:
                self._take(int(fields["e"]), int(fields["s"]), fields["k"], fields["p"])
            except (KeyError, ValueError, TypeError, msgspec.MsgspecError) as error:
                _log.error("entry_unreadable", entry=entry_id, error=type(error).__name__)
                self._epoch, self._sequence = -1, -1
                self._reset("unreadable")

    def _take(self, epoch: int, sequence: int, kind: str, payload: str) -> None:
        if epoch != self._epoch:
            self._reset("epoch")
        elif sequence != self._sequence + 1:
            self._reset("gap")
        self._epoch, self._sequence = epoch, sequence
        content = msgspec.json.decode(payload, type=dict[str, object])
        if kind == HEARTBEAT:
            self._on_heartbeat(float(content["t"]))  # type: ignore[arg-type] # the relay writes a number
            return
        self._on_event(kind, content)
        ended_at = content.get("at")
        if kind == "session" and content.get("state") == "ended" and isinstance(ended_at, int | float):
            END_HEARD.observe(max(0.0, self._clock.timestamp() - ended_at))

    async def _look_for_a_lost_stream(self, cursor: str) -> None:
        """XREAD from beyond the last id of a stream that began anew answers nothing, for ever, and no error."""
        try:
            last = str((await self._valkey.xinfo_stream(key_space.EVENT_STREAM))["last-generated-id"])
        except ResponseError:  # no such key
            last = "0-0"
        if _order(last) < _order(cursor):
            self._reset("stream_lost")
            self._cursor, self._epoch, self._sequence = "0-0", -1, -1

    def _reset(self, cause: str) -> None:
        SUBSCRIPTION_RESETS.labels(cause).inc()
        self._on_reset()


def _pairs(entries: object) -> list[tuple[str, dict[str, str]]]:
    """Entries as the client decodes them: its types allow for bytes and nothing, its settings do not."""
    return cast("list[tuple[str, dict[str, str]]]", entries)


def _entries(answer: object) -> list[tuple[str, dict[str, str]]]:
    """The entries of the one stream that was asked for; RESP2 answers a list of pairs, RESP3 a mapping to lists."""
    if not answer:
        return []
    if isinstance(answer, dict):
        (parts,) = answer.values()
        return [pair for part in parts for pair in _pairs(part)]
    assert isinstance(answer, list)
    return _pairs(answer[0][1])


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)
