"""A changed route table is taken up while the gateway runs; a wrong one is refused, and the last good one stays."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from gateway.file_mark import Mark, mark_of
from gateway.rounds import pause
from gateway.routes.route_file import RouteTableError
from gateway.routes.route_table import RouteTable

_log = structlog.get_logger(__name__)

LOOK_EVERY = 1.0
"""Seconds."""


class RouteReload:
    """Looks at the file and those that it names, or is told to by SIGHUP."""

    def __init__(
        self,
        path: Path,
        *,
        load: Callable[[Path], RouteTable],
        use: Callable[[RouteTable], None],
        files: tuple[Path, ...] = (),
    ) -> None:
        """`files`: `RouteTable.files` of the table that is in use."""
        self._path = path
        self._load = load
        self._use = use
        self._files = files
        self._seen = self._mark()
        self._asked = False
        self.on_hangup: list[Callable[[], None]] = [self.ask]
        """What SIGHUP asks for: of this, and of whatever else is read anew."""

    def look(self) -> bool:
        """Take the table up if it changed, or was asked for; says whether one was taken up."""
        mark = self._mark()
        if mark == self._seen and not self._asked:
            return False
        self._seen, self._asked = mark, False
        try:
            table = self._load(self._path)
        except RouteTableError as error:
            _log.error("routes_refused", private=str(error))
            return False
        self._use(table)
        if table.files != self._files:
            self._files = table.files
            self._seen = self._mark()
        _log.info("routes_taken_up", routes=len(table.routes))
        return True

    async def follow(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop` is set."""
        with self._hangup():
            while not stop.is_set():
                self.look()
                await pause(LOOK_EVERY, stop)

    def _mark(self) -> tuple[Mark, ...]:
        return tuple(mark_of(path) for path in (self._path, *self._files))

    def ask(self) -> None:
        """Take it up anew at the next look, changed or not."""
        self._asked = True

    def _hung_up(self) -> None:
        for ask in self.on_hangup:
            ask()

    @contextlib.contextmanager
    def _hangup(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        except (ValueError, RuntimeError, NotImplementedError):  # signals reach the main thread alone
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
