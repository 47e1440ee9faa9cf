"""Connections to one upstream: kept alive, bounded, waited for in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Protocol

from config.problem import ProblemType
from gateway.proxy.health import Health
from gateway.proxy.limits import Limits
from gateway.proxy.problems import UPSTREAM_BUSY, UPSTREAM_DOWN
from gateway.proxy.upstream import UpstreamConnection
from gateway.proxy.watch import Watch
from gateway.routes.upstream import Upstream


class Waiting(Protocol):
    """Whoever wants a connection."""

    def upstream_ready(self, connection: UpstreamConnection) -> None:
        """Here it is."""

    def upstream_unavailable(self, problem: ProblemType) -> None:
        """There is none."""


class Pool:
    """The connections to one upstream."""

    def __init__(self, upstream: Upstream, *, limits: Limits, watch: Watch) -> None:
        self.name = upstream.name
        self.limits = limits
        self.watch = watch
        self._address = upstream.address
        self._health = Health()
        self._idle: list[UpstreamConnection] = []
        self._open = 0
        self._retired = False
        self._waiting: deque[Waiting] = deque()
        self._connecting: set[asyncio.Task[None]] = set()
        self.all: set[UpstreamConnection] = set()
        watch.watched.add(self)

    def take(self) -> UpstreamConnection | None:
        """A connection that is ready now, the one used last."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    def ask(self, client: Waiting) -> None:
        """Have `client` told when a connection is ready, or that there will be none."""
        if self._health.rests(self.watch.now):
            client.upstream_unavailable(UPSTREAM_DOWN)
        elif len(self._waiting) - len(self._connecting) >= self.limits.upstream_waiting:
            client.upstream_unavailable(UPSTREAM_BUSY)
        else:
            self._waiting.append(client)
            if self._open + len(self._connecting) < self.limits.upstream_connections:
                task = asyncio.get_running_loop().create_task(self._connect())
                self._connecting.add(task)
                task.add_done_callback(self._connecting.discard)

    def forget(self, client: Waiting) -> None:
        """`client` no longer waits."""
        if client in self._waiting:
            self._waiting.remove(client)

    def opened(self, connection: UpstreamConnection) -> None:
        """A connection stands, though nobody may use it yet."""
        self._open += 1
        self.all.add(connection)

    def give_back(self, connection: UpstreamConnection) -> None:
        """A connection that is in step and unused."""
        if self._waiting:
            self._waiting.popleft().upstream_ready(connection)
        elif self._retired:
            connection.close()
        else:
            connection.idle_since = self.watch.now
            self._idle.append(connection)

    def detach(self, connection: UpstreamConnection) -> None:
        """The connection became a websocket: it no longer counts against the bound of the pool."""
        if not connection.detached:
            connection.detached = True
            self._open -= 1
            self._connect_for_waiting()

    def gone(self, connection: UpstreamConnection) -> None:
        """The connection is closed."""
        self.all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if not connection.detached:
            connection.detached = True
            self._open -= 1
            if connection.ready:
                self._connect_for_waiting()

    def check(self, now: float) -> None:
        """Close what has been unused for too long (`Watched`)."""
        oldest = now - self.limits.upstream_keep_alive
        stale = [connection for connection in self._idle if connection.idle_since < oldest]
        for connection in stale:
            self._idle.remove(connection)
            connection.close()
        if self._retired and not (self.all or self._waiting or self._connecting):
            self.watch.watched.discard(self)

    def retire(self) -> None:
        """No new request will come: let go of connections as they become unused."""
        self._retired = True
        while self._idle:
            self._idle.pop().close()

    def close(self) -> None:
        """Close every connection, used or not."""
        self.watch.watched.discard(self)
        for task in self._connecting:
            task.cancel()
        for connection in tuple(self.all):
            connection.abort()

    def _connect_for_waiting(self) -> None:
        if self._waiting and self._open + len(self._connecting) < self.limits.upstream_connections:
            self.ask(self._waiting.popleft())

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self.limits.connect):
                connection = await self._dial()
            if connection.transport.is_closing():
                raise ConnectionResetError
        except (OSError, TimeoutError):
            self._health.failed(self.watch.now)
            if self._waiting:
                self._waiting.popleft().upstream_unavailable(UPSTREAM_DOWN)
            return
        self._health.reached()
        connection.ready = True
        self.give_back(connection)

    async def _dial(self) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        if self._address.startswith("unix:"):
            _, connection = await loop.create_unix_connection(
                lambda: UpstreamConnection(self), self._address.removeprefix("unix:")
            )
            return connection
        host, _, port = self._address.rpartition(":")
        _, connection = await loop.create_connection(lambda: UpstreamConnection(self), host.strip("[]"), int(port))
        return connection


class Pools:
    """Every upstream by its name. Replaced as a whole when the route table changes."""

    def __init__(self, upstreams: Iterable[Upstream], *, limits: Limits, watch: Watch) -> None:
        self.by_name = {upstream.name: Pool(upstream, limits=limits, watch=watch) for upstream in upstreams}

    def retire(self) -> None:
        """Others take their place (`Door.use_pools`); exchanges under way end as they would have."""
        for pool in self.by_name.values():
            pool.retire()

    def close(self) -> None:
        """Close every connection to every upstream."""
        for pool in self.by_name.values():
            pool.close()
