"""Active checks: each target is asked beside the way, on a connection of its own, whether it is well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from gateway.proxy.dialling import Way
from gateway.proxy.watch import Watch
from gateway.routes.upstream import Check

_LONGEST_LINE = 1024


class HealthCheck:
    """Of one target. Moved by the ticks of the watch; a check that is slow delays nothing but the next one."""

    def __init__(self, check: Check, way: Way, watch: Watch, told: Callable[[bool], None]) -> None:
        """`told` hears of every check how it went."""
        self._check = check
        self._way = way
        self._watch = watch
        self._told = told
        self._next = 0.0
        self._task: asyncio.Task[None] | None = None
        self._request = (
            f"GET {check.path} HTTP/1.1\r\nhost: {check.host or way.host_field}\r\n"
            "user-agent: munjigi-health-check\r\nconnection: close\r\n\r\n"
        ).encode("ascii")

    def look(self, now: float) -> None:
        """Ask, if it is time."""
        if self._task is None and now >= self._next:
            self._next = now + self._check.interval
            self._task = asyncio.get_running_loop().create_task(self._ask())

    def stop(self) -> None:
        """Ask no more."""
        self._next = float("inf")
        if self._task is not None:
            self._task.cancel()

    async def _ask(self) -> None:
        try:
            async with self._watch.patience(self._check.timeout):
                well = await self._status() == self._check.status
        except (OSError, TimeoutError, ValueError):
            well = False
        finally:
            self._task = None
        self._told(well)

    async def _status(self) -> int:
        """Raises `ValueError` where the answer does not begin as one of HTTP/1."""
        reader = asyncio.StreamReader(limit=_LONGEST_LINE)
        connection = await self._way.open(lambda: _Reading(reader))
        try:
            connection.transport.write(self._request)
            line = await reader.readline()
        finally:
            connection.transport.abort()
        version, _, rest = line.partition(b" ")
        if version not in (b"HTTP/1.1", b"HTTP/1.0"):
            raise ValueError("no status line")
        return int(rest[:3])


class _Reading(asyncio.StreamReaderProtocol):
    """Keeps its transport."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport = cast("asyncio.Transport", transport)
