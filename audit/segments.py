"""Segment files: the append-only record of one process's decisions, written beside the way and never in it.

A line is `<sequence> <length> <JSON>\\n`; the sequence runs on over all segments of one writer. A segment is named
`<service>-<pid>-<start>-<number>` and is locked (flock) by its writer while it is open (`.seg`); the writer closes it
by renaming it (`.sealed`), or the sealer does so for a writer that died. What `append` took is in the operating
system's hands at most 10 ms later, so it outlives the process; it outlives the machine once its segment is closed.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
from pathlib import Path

import structlog

from config.clock import Clock
from config.settings import Settings

OPEN, SEALED, LEAVES = ".seg", ".sealed", ".leaves"
FLUSH_AFTER = 0.008
"""Seconds between the first record of a batch and its writing."""
RECORDS_PER_SEGMENT = 20_000
SECONDS_PER_SEGMENT = 30.0
MOST_WAITING = 50_000
"""Records that may wait while the disk takes none; the next one is refused."""
PATIENCE = 1.0
"""Seconds for which the disk may take none; after that every record is refused until it takes what waits. So much of
what was decided is lost at most, should the process end meanwhile."""

_RETRY_AFTER = 0.25
_log = structlog.get_logger(__name__)


class AuditUnavailable(Exception):
    """Nothing more can be recorded, so nothing more may be decided: the caller refuses the request."""


def folder(settings: Settings) -> Path:
    """Where the segments of this machine stand."""
    return settings.var.absolute() / "audit"


class SegmentWriter:
    """Takes records on one event loop, inside which it is built; `await close()` writes and closes the rest."""

    def __init__(
        self,
        settings: Settings,
        service: str,
        clock: Clock,
        *,
        records_per_segment: int = RECORDS_PER_SEGMENT,
        seconds_per_segment: float = SECONDS_PER_SEGMENT,
    ) -> None:
        """`service` names the writer in file names: letters and `_`. The first file is made with the first record."""
        self._folder = folder(settings)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._prefix = f"{service}-{os.getpid()}-{int(clock.timestamp() * 1_000_000)}"
        self._records_per_segment = records_per_segment
        self._seconds_per_segment = seconds_per_segment
        self._loop = asyncio.get_running_loop()
        self._sequence = 0
        self._waiting: list[bytes] = []
        self._stuck_since: float | None = None
        self._cut = b""
        self._timer: asyncio.TimerHandle | None = None
        self._number = 0
        self._descriptor: int | None = None
        self._written = 0
        self._age: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Future[None]] = set()

    def append(self, body: bytes) -> None:
        """Record a decision: one JSON object without line breaks, as `msgspec.json` writes it, and no secret in it.

        Raises `AuditUnavailable` where the disk has long taken none.
        """
        if self._stuck_since is not None and self._loop.time() - self._stuck_since > PATIENCE:
            raise AuditUnavailable
        if len(self._waiting) >= MOST_WAITING:
            raise AuditUnavailable
        self._sequence += 1
        self._waiting.append(b"%d %d %b\n" % (self._sequence, len(body), body))
        if self._timer is None:
            self._timer = self._loop.call_later(FLUSH_AFTER, self._flush)

    async def close(self) -> None:
        """Write what waits and close the segment. Raises `OSError` where it cannot be written."""
        if self._timer is not None:
            self._timer.cancel()
        try:
            if self._waiting or self._cut:
                self._write()
        finally:
            self._cut = b""  # a line that could not be finished is torn, as after a crash
            self._close_segment()
            if self._closing:
                await asyncio.gather(*self._closing)

    def _flush(self) -> None:
        self._timer = None
        try:
            self._write()
            self._stuck_since = None
        except OSError as error:
            if self._stuck_since is None:
                self._stuck_since = self._loop.time()
            _log.error("audit_segment_not_written", error=str(error), waiting=len(self._waiting))
            self._timer = self._loop.call_later(_RETRY_AFTER, self._flush)

    def _write(self) -> None:
        """Hand what waits to the operating system: one write, some ten microseconds for a batch."""
        descriptor = self._descriptor if self._descriptor is not None else self._open_segment()
        data = self._cut + b"".join(self._waiting)
        records = len(self._waiting)
        written = os.write(descriptor, data)
        self._cut = data[written:]
        self._waiting.clear()
        self._written += records
        if self._cut:
            raise OSError(errno.ENOSPC, "only a part was written")
        if self._written >= self._records_per_segment:
            self._close_segment()

    def _open_segment(self) -> int:
        number = self._number + 1
        path = self._folder / f"{self._prefix}-{number}{OPEN}"
        draft = path.with_name(f".{path.name}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        draft.rename(path)  # only now, locked, can the sealer see it
        self._number, self._descriptor, self._written = number, descriptor, 0
        self._age = self._loop.call_later(self._seconds_per_segment, self._close_segment)
        return descriptor

    def _close_segment(self) -> None:
        if self._descriptor is None or self._cut:
            return
        if self._age is not None:
            self._age.cancel()
        path = self._folder / f"{self._prefix}-{self._number}{OPEN}"
        closing = self._loop.run_in_executor(None, close_segment, self._descriptor, path)
        self._descriptor = None
        self._closing.add(closing)
        closing.add_done_callback(self._closed)

    def _closed(self, closing: asyncio.Future[None]) -> None:
        self._closing.discard(closing)
        if not closing.cancelled() and (error := closing.exception()) is not None:
            _log.error("audit_segment_not_closed", error=str(error))  # the sealer will, since the lock is gone


def close_segment(descriptor: int, path: Path) -> None:
    """Make a segment durable, rename it to say that no more will come, and let its lock go."""
    try:
        os.fsync(descriptor)
        path.rename(path.with_suffix(SEALED))
        sync_folder(path.parent)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
