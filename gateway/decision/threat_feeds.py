"""The files of the threat feeds: looked at while running, taken up whole or not at all, and trusted for so long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from config.clock import Clock
from gateway.file_mark import Mark, mark_of
from policy.overlay.ranges import Listed
from policy.overlay.threat_feed import LARGEST, DamagedFeed, read

_log = structlog.get_logger(__name__)

LOOK_EVERY = 0.5
"""Seconds."""

Lists = Mapping[str, Listed | None]


@dataclass(slots=True)
class Feed:
    """One feed."""

    path: Path
    listed: Listed | None = None
    """The last good list; None: there was none yet."""
    written_at: float = 0.0
    """Epoch seconds: when the file that it came from was written."""
    refused: str = ""
    """Why the file as it is now is not used; empty: it is."""
    seen: Mark | None = None


class ThreatFeeds:
    """Looks at the files, and hands on what is in force whenever that changes."""

    def __init__(
        self, files: Mapping[str, Path], *, age: float, clock: Clock, use: Callable[[Lists | None], None]
    ) -> None:
        """`age`: seconds after which a list that nobody wrote anew counts no more. `use` is given the lists by name,
        None for a feed that has none in force; and None where there is no feed at all."""
        self.feeds = {name: Feed(path) for name, path in sorted(files.items())}
        self._age = age
        self._clock = clock
        self._use = use
        self._in_force: dict[str, Listed | None] | None = None

    def ask(self) -> None:
        """Read every file anew at the next look."""
        for feed in self.feeds.values():
            feed.seen = None

    async def look(self) -> None:
        """Take up the files that changed, drop lists that are too old."""
        for name, feed in self.feeds.items():
            mark = mark_of(feed.path)
            if mark != feed.seen:
                feed.seen = mark
                await self._read(name, feed)
        lists = {name: feed.listed if self.is_in_force(feed) else None for name, feed in self.feeds.items()}
        if lists and lists != self._in_force:
            self._in_force = lists
            self._use(lists)

    def is_in_force(self, feed: Feed) -> bool:
        """Whether it has a list that is not too old."""
        return feed.listed is not None and self.age(feed) < self._age

    def age(self, feed: Feed) -> float:
        """Seconds since the list in use was written."""
        return max(0.0, self._clock.timestamp() - feed.written_at)

    async def _read(self, name: str, feed: Feed) -> None:
        try:
            listed, written_at = await asyncio.to_thread(_read, feed.path)  # a long list must not hold up the loop
        except (DamagedFeed, OSError) as error:
            feed.refused = str(error) if isinstance(error, DamagedFeed) else type(error).__name__
            _log.error("threat_feed_refused", feed=name, reason=feed.refused, kept=feed.listed is not None)
            return
        feed.listed, feed.written_at, feed.refused = listed, written_at, ""
        _log.info("threat_feed_taken_up", feed=name, ranges=len(listed))


def _read(path: Path) -> tuple[Listed, float]:
    with path.open("rb") as file:
        written_at = path.stat().st_mtime
        return read(file.read(LARGEST + 1)), written_at
