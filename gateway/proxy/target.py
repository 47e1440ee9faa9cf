"""One target of an upstream: its connections, and whether it gets requests."""

from __future__ import annotations

import asyncio
from collections.abc import Sized
from typing import Protocol

import structlog

from gateway.proxy.breaker import Breaker, Fault, State
from gateway.proxy.dialling import Way
from gateway.proxy.health_check import HealthCheck
from gateway.proxy.limits import Limits
from gateway.proxy.upstream import KnownHead, UpstreamConnection
from gateway.proxy.watch import Watch
from gateway.routes.upstream import Upstream

_log = structlog.get_logger(__name__)

_TRIAL = 5.0
"""Seconds beyond a connection's for which a trial may say nothing before there is another."""


class Wanting(Protocol):
    """The pool, as its targets know it."""

    name: str
    limits: Limits
    watch: Watch

    @property
    def waiting(self) -> Sized:
        """Those who wait."""

    def may_eject(self, target: Target) -> bool:
        """Whether enough others are left, should it be ejected for its answers."""

    def hand_over(self, connection: UpstreamConnection) -> bool:
        """A connection is free: give it to whoever waits for it; says whether anybody does."""

    def not_reached(self, target: Target, asked: object) -> None:
        """A dial for whoever asked came to nothing."""

    def room(self) -> None:
        """There may be one for those who wait."""


class Target:
    """The owner of the connections to one address."""

    def __init__(self, address: str, upstream: Upstream, pool: Wanting) -> None:
        self.address = address
        self.limits = pool.limits
        self.heads: dict[bytes, KnownHead | None] = {}
        self.idle: list[UpstreamConnection] = []
        self.all: set[UpstreamConnection] = set()
        self.open = 0
        """Connections that count against the bound: websockets do not."""
        self.dialling = 0
        self.suspect = False
        """A good answer would change how it stands."""
        self.down = False
        """Active checks say so."""
        self.faults = dict.fromkeys(Fault, 0)
        self.ejections = 0
        self.breaker = Breaker(upstream.ejection)
        self._way = Way(address, upstream.tls)
        self._pool = pool
        self._watch = pool.watch
        self._waiting = pool.waiting
        self._lets_go = False
        self._ages_at = 0.0
        self._answers = 0
        self._dials: set[asyncio.Task[None]] = set()
        check = upstream.check
        self._checks = None if check is None else HealthCheck(check, self._way, self._watch, self._checked)
        self._check_failures = 0
        self._check_bound = 0 if check is None else check.failures

    # --- how it stands

    @property
    def outstanding(self) -> int:
        """Requests on their way there, websockets among them."""
        return len(self.all) - len(self.idle) + self.dialling

    @property
    def answers(self) -> int:
        """Requests that were answered to the end."""
        return self._answers + sum(connection.answers for connection in self.all)

    @property
    def state(self) -> State:
        """As metrics show it."""
        return State.OPEN if self.down else self.breaker.state

    def takes(self, now: float, *, safe: bool) -> bool:
        """Whether it gets requests; `safe`: one that may be sent again, so that it may be the trial."""
        breaker = self.breaker
        if self.down:
            return False
        return breaker.state is State.CLOSED or (safe and not breaker.unreachable and breaker.tries(now))

    def is_chosen(self, now: float) -> None:
        """It gets a request."""
        if self.breaker.state is not State.CLOSED:
            self.breaker.begin_trial(now, self.limits.connect + _TRIAL)

    def rest(self, now: float) -> float:
        """Seconds until it may be back."""
        return max(self.breaker.rest(now), self.limits.connect if self.down else 0.0)

    @property
    def has_room(self) -> bool:
        """For another connection."""
        return self.open + self.dialling < self.limits.upstream_connections

    # --- Owner

    def opened(self, connection: UpstreamConnection) -> None:
        """A connection stands, though nobody may use it yet."""
        self.open += 1
        self.all.add(connection)
        connection.born = self._watch.now

    def give_back(self, connection: UpstreamConnection) -> None:
        """A connection that is in step and unused."""
        if self._waiting and not self.down and self._pool.hand_over(connection):
            return
        if self._lets_go or self.down:
            connection.close()
        else:
            connection.idle_since = self._watch.now
            self.idle.append(connection)

    def detach(self, connection: UpstreamConnection) -> None:
        """The connection became a websocket: it no longer counts against the bound."""
        if not connection.detached:
            connection.detached = True
            self.open -= 1
            self._pool.room()

    def gone(self, connection: UpstreamConnection) -> None:
        """The connection is closed."""
        self.all.discard(connection)
        self._answers += connection.answers
        if connection in self.idle:
            self.idle.remove(connection)
        if not connection.detached:
            connection.detached = True
            self.open -= 1
            self._pool.room()

    def answered(self) -> None:
        """A good answer began; told where there is something to mend."""
        was = self.breaker.state
        self.breaker.answered(self._watch.now)
        self._stands(was)

    def failed(self, fault: Fault) -> None:
        """A request that went there was not answered well."""
        self.faults[fault] += 1
        if self.breaker.failed(self._watch.now, may_open=self._pool.may_eject(self)):
            self._ejected(fault, "")
        self.suspect = self.breaker.suspect

    # --- connections

    def pop(self) -> UpstreamConnection | None:
        """A connection that is ready now, the one used last."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    def dial(self, asked: object) -> None:
        """Make one more; `asked` is whom it is for, None for a trial."""
        self.dialling += 1
        task = asyncio.get_running_loop().create_task(self._dial(asked))
        self._dials.add(task)
        task.add_done_callback(self._dials.discard)

    async def _dial(self, asked: object) -> None:
        why = ""
        connection = None
        try:
            async with self._watch.patience(self.limits.connect):
                connection = await self._way.open(lambda: UpstreamConnection(self))
        except (OSError, TimeoutError, ValueError) as error:  # ValueError: a name that cannot be one
            why = str(error) or type(error).__name__
        finally:
            self.dialling -= 1
        if connection is None or connection.transport.is_closing():
            self.faults[Fault.CONNECT] += 1
            if self.breaker.not_reached(self._watch.now):
                self._ejected(Fault.CONNECT, why)
            self.suspect = self.breaker.suspect
            self._pool.not_reached(self, asked)
            return
        was = self.breaker.state
        self.breaker.reached(self._watch.now)
        self._stands(was)
        self.give_back(connection)
        self._pool.room()

    # --- time

    def check(self, now: float) -> None:
        """Called every tick."""
        limits = self.limits
        oldest = now - limits.upstream_keep_alive
        stale = [connection for connection in self.idle if connection.idle_since < oldest]
        for connection in stale:
            self.idle.remove(connection)
            connection.close()
        if now >= self._ages_at:
            self._ages_at = now + limits.upstream_age / 10  # seldom: websockets are among them, and may be many
            born = now - limits.upstream_age
            for connection in self.all:
                if connection.born < born:
                    connection.worn = True
        if self._lets_go:
            return
        if self._checks is not None:
            self._checks.look(now)
        if self.breaker.unreachable and self.breaker.tries(now):
            self.breaker.begin_trial(now, limits.connect + _TRIAL)
            self.dial(None)

    def _checked(self, well: bool) -> None:
        now = self._watch.now
        if not well:
            self.faults[Fault.CHECK] += 1
            self._check_failures += 1
            if self._check_failures >= self._check_bound and not self.down:
                self.down = True
                self._close_idle()
                self._ejected(Fault.CHECK, "")
                self._pool.room()
            return
        self._check_failures = 0
        was = self.state
        self.down = False
        self.breaker.checked(now)
        self._stands(was)

    # --- the end

    def retire(self) -> None:
        """No new request will come: let go of connections as they become unused."""
        self._lets_go = True
        if self._checks is not None:
            self._checks.stop()
        self._close_idle()

    @property
    def is_over(self) -> bool:
        """Whether it has let go of everything."""
        return not (self.all or self.dialling)

    def close(self) -> None:
        """Close every connection, used or not."""
        self.retire()
        for task in tuple(self._dials):
            task.cancel()
        for connection in tuple(self.all):
            connection.abort()

    def _close_idle(self) -> None:
        while self.idle:
            self.idle.pop().close()

    def _ejected(self, fault: Fault, why: str) -> None:
        self.ejections += 1
        _log.warning(
            "upstream_target_ejected", upstream=self._pool.name, target=self.address, fault=str(fault), private=why
        )

    def _stands(self, was: State) -> None:
        self.suspect = self.breaker.suspect
        if was is not State.CLOSED and self.state is State.CLOSED:
            _log.info("upstream_target_returned", upstream=self._pool.name, target=self.address)
            self._pool.room()
