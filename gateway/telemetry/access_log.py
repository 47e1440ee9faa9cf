"""One line of JSON for each exchange, written beside the way: the exchange leaves some references, a thread does the
rest.

No query is in it: queries carry codes, tokens and what people look for, and logs are kept long and read by many. What
was decided, and why, is in the decision record of the same correlation id.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import structlog

from config.clock import Clock
from gateway.callers.identity import Identity
from gateway.exchange import RequestHead
from gateway.routes.route_table import Route
from gateway.telemetry.measured import Exchange

_log = structlog.get_logger(__name__)

STDOUT = "-"
FLUSH_AFTER = 0.2
"""Seconds between the first line of a batch and its writing."""
MOST_WAITING = 20_000
"""Lines that may wait while the disk takes none; the next ones are dropped, and counted."""
_AGENT_BOUND = 256


class Entry(msgspec.Struct, gc=False):
    """What is kept of an exchange until its line is written."""

    at: float
    """Epoch seconds: it began."""
    correlation_id: str
    trace_id: str
    head: RequestHead | None
    route: Route | None
    identity: Identity | None
    peer: str
    asked_by: str
    status: int
    complete: bool
    bytes_in: int
    bytes_out: int
    seconds: float
    decided_after: float | None
    answered_after: float | None


class AccessLog:
    """Takes entries on one event loop, inside which it is built; `await close()` writes what waits."""

    def __init__(self, target: str, *, share: float, clock: Clock) -> None:
        """`target`: a file, or `-` for the standard output; `share` of what went well is logged, all else always.

        A file that was renamed or removed is opened anew for the next batch, so whoever rotates tells nobody. Raises
        `OSError` where it cannot be opened.
        """
        self._path = None if target == STDOUT else Path(target)
        self._share = share
        self._due = 0.0
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Entry] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None
        self._descriptor = 1 if self._path is None else self._open(self._path)
        self._encode = msgspec.json.Encoder().encode
        self.written = 0
        self.dropped = 0

    def heard(self, exchange: Exchange, head: RequestHead | None, seconds: float, complete: bool) -> None:
        """An exchange is over (`gateway.telemetry.telemetry.Heard`)."""
        if complete and exchange.status < 400 and self._share < 1 and exchange.traced is None:
            self._due += self._share
            if self._due < 1:
                return
            self._due -= 1
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        decided_at, answered_at = exchange.decided_at, exchange.answered_at
        caller = None if head is None else head.caller
        self._waiting.append(
            Entry(
                self._clock.timestamp() - seconds,
                exchange.correlation_id,
                "" if exchange.traced is None else exchange.traced.trace_id,
                head,
                None if head is None else head.route,
                None if caller is None else caller.identity,
                exchange.peer,
                exchange.asked_by,
                exchange.status,
                complete,
                exchange.bytes_in,
                exchange.bytes_out,
                seconds,
                decided_at - exchange.began if decided_at else None,
                answered_at - exchange.began if answered_at else None,
            )
        )
        if self._timer is None:
            self._timer = self._loop.call_later(FLUSH_AFTER, self._flush)

    async def close(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if self._waiting:
            self._flush()
            if self._writing is not None:
                await asyncio.wait([self._writing])
        if self._path is not None:
            os.close(self._descriptor)

    def _flush(self) -> None:
        self._timer = None
        if self._writing is not None:
            self._timer = self._loop.call_later(FLUSH_AFTER, self._flush)
            return
        batch, self._waiting = self._waiting, []
        self._writing = writing = self._loop.run_in_executor(None, self._write, batch)
        writing.add_done_callback(lambda done: self._wrote(done, len(batch)))

    def _wrote(self, done: asyncio.Future[None], lines: int) -> None:
        self._writing = None
        if not done.cancelled() and (error := done.exception()) is not None:
            self.dropped += lines
            _log.error("access_log_not_written", error=str(error), lines=lines)
        else:
            self.written += lines

    def _write(self, batch: list[Entry]) -> None:
        """In a thread."""
        self._follow()
        data = b"".join([self._encode(dict(_line(entry))) + b"\n" for entry in batch])
        while data:
            data = data[os.write(self._descriptor, data) :]

    def _follow(self) -> None:
        if self._path is None:
            return
        try:
            there, ours = self._path.stat(), os.fstat(self._descriptor)
            if (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev):
                return
        except FileNotFoundError:
            pass
        fresh = self._open(self._path)
        os.close(self._descriptor)
        self._descriptor = fresh

    def _open(self, path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def _line(entry: Entry) -> Iterator[tuple[str, Any]]:
    yield "event", "question" if entry.asked_by else "exchange"
    yield "at", round(entry.at, 6)
    yield "correlation_id", entry.correlation_id
    if entry.trace_id:
        yield "trace_id", entry.trace_id
    head, route, who = entry.head, entry.route, entry.identity
    if entry.asked_by:
        yield "asked_by", entry.asked_by
    yield "address", entry.peer if head is None else head.client
    if head is not None:
        yield "method", head.method.decode("ascii")
        yield "host", head.host.decode("ascii")
        yield "path", head.path.decode("ascii")
        agent = head.get(b"user-agent")
        yield "user_agent", None if agent is None else agent[:_AGENT_BOUND].decode("utf-8", "replace")
        if head.effect is not None:
            yield "effect", head.effect.value
    if route is not None:
        yield from (("route", route.name), ("zone", route.zone.name), ("upstream", route.upstream))
    if who is not None:
        yield from (("sub", who.subject.id), ("sid", who.sid))
    yield "status", entry.status or None
    yield "complete", entry.complete
    yield from (("bytes_in", entry.bytes_in), ("bytes_out", entry.bytes_out))
    yield "seconds", round(entry.seconds, 6)
    yield "decided_after", _rounded(entry.decided_after)
    yield "answered_after", _rounded(entry.answered_after)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
