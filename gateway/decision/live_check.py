"""May what lives on go on living? Asked again when a session, a fact or the policy changes, and every second (S5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable

from config.clock import Clock
from gateway.admission import goes_on_without_lease
from gateway.decision.judge import Judge
from gateway.decision.live_connections import By, LiveConnections, Standing
from gateway.exchange import LiveConnection
from gateway.routes.route_table import Route, RouteTable
from gateway.sessions.near_cache import EndedSession, LiveSession
from gateway.sessions.session_check import SessionCheck, StoreUnreachable
from policy.decision import Effect
from policy.snapshot import Snapshot

LEASE_EVERY = 0.1
"""Seconds between two looks at the lease. What lives on is judged by how the lease will stand at the next one, so that
nothing outlives it."""
SLICE = 0.002
"""Seconds for which many connections may be asked about before everything else gets its turn."""
RENEWED_BY = 10.0
"""Seconds after its expiry by which the token of whoever has a live connection was renewed, if it could be."""
AT_A_TIME = 16
"""Connections between two looks at the time; of so many sessions at once the projection is asked."""


class LiveCheck:
    """Decides live connections again and ends those that may not go on."""

    def __init__(self, *, live: LiveConnections, sessions: SessionCheck, judge: Judge, clock: Clock) -> None:
        self.table: RouteTable | None = None
        """The routes as they are now; a standing exchange began by those of its time."""
        self.again = asyncio.Event()
        """Set when `look` is to be called at once."""
        self._live = live
        self._sessions = sessions
        self._judge = judge
        self._clock = clock
        self._lease_held = True
        self._changed: set[str] = set()

    def opened(self, standing: Standing, connection: LiveConnection) -> None:
        """An exchange turned out to live on; something may have ended since it was decided."""
        self._live.opened(standing, connection, self._judge.snapshot.version)
        if (objection := self.objection(standing)) is not None:
            self._live.end(connection, objection)

    def closed(self, connection: LiveConnection) -> None:
        """It is over."""
        self._live.closed(connection)

    def session_ended(self, ended: EndedSession) -> None:
        """A session ended: at once, not at the next look."""
        self._live.end_all(self._live.of(By.SESSION, ended.sid), ended.reason or "session_ended")

    def session_changed(self, sid: str) -> None:
        """A session's token or state is a new one."""
        if sid not in self._sessions.cache.live:
            return
        connections = self._live.of(By.SESSION, sid)
        if len(connections) > AT_A_TIME:
            self.again.set()  # a program's, with very many: the loop is not held for them
            return
        for connection in connections:
            self._ask(connection, self.objection)

    def policy_changed(self, fresh: Snapshot, former: Snapshot) -> None:
        """Another version decides from now on: all are asked at once, first those of the zones that it changed."""
        self._changed |= fresh.changed_zones(former)
        self.again.set()

    async def look(self) -> None:
        """Ask about all of them. Those whose session is not known here come last: the projection is asked first."""
        first, self._changed = self._changed, set()
        waiting: dict[LiveConnection, str] = {}

        def unless_unknown(connection: LiveConnection) -> None:
            standing = self._live.standing(connection)
            if standing is not None and self._is_unknown(standing.sid):
                waiting[connection] = standing.sid
            else:
                self._ask(connection, self.objection)

        await self._in_slices(self._live.all(first), unless_unknown)
        if waiting:
            await self._fill(set(waiting.values()))
            await self._in_slices(waiting, lambda connection: self._ask(connection, self.objection))

    async def watch_lease(self) -> None:
        """Once the lease is about to run out, each zone does what it says, to what lives on as well (S4)."""
        held = self._lapsed() is None
        lost, self._lease_held = self._lease_held and not held, held
        if lost:
            await self._in_slices(self._live.all(), lambda connection: self._ask(connection, self._without_lease))

    async def _in_slices(self, connections: Iterable[LiveConnection], act: Callable[[LiveConnection], None]) -> None:
        monotonic = self._clock.monotonic
        until = monotonic() + SLICE
        for number, connection in enumerate(connections, start=1):
            act(connection)
            if number % AT_A_TIME == 0 and monotonic() >= until:
                await asyncio.sleep(0)
                until = monotonic() + SLICE

    def _ask(self, connection: LiveConnection, objection: Callable[[Standing], str | None]) -> None:
        standing = self._live.standing(connection)
        if standing is None:
            return
        if (reason := objection(standing)) is not None:
            self._live.end(connection, reason)
        elif objection == self.objection:
            self._live.decided(connection, self._judge.snapshot.version)

    def _is_unknown(self, sid: str) -> bool:
        session = self._sessions.cache.find(sid) if sid else None
        over = isinstance(session, LiveSession) and self._clock.timestamp() >= session.expires_at
        return bool(sid) and (session is None or over)

    async def _fill(self, sids: Collection[str]) -> None:
        limit = asyncio.Semaphore(AT_A_TIME)
        away = False

        async def fill(sid: str) -> None:
            nonlocal away
            async with limit:
                if away:  # the lease is about to run out for all of them
                    return
                try:
                    await self._sessions.fill(sid)
                except StoreUnreachable:
                    away = True

        async with asyncio.TaskGroup() as group:
            for sid in sids:
                group.create_task(fill(sid))

    def _lapsed(self) -> float | None:
        return self._sessions.lease.lapsed(self._clock.monotonic() + LEASE_EVERY)

    def _without_lease(self, standing: Standing) -> str | None:
        lapsed, route = self._lapsed(), self._route(standing)
        if standing.caller is None or lapsed is None or route is None:
            return None
        return None if goes_on_without_lease(route.zone, lapsed, reads=standing.reads) else "session_unknown"

    def objection(self, standing: Standing) -> str | None:
        """Why it must end; None: it may go on."""
        now = self._clock.timestamp()
        caller = standing.caller
        route = self._route(standing)
        if route is None:
            return "no_longer_allowed"
        if caller is not None:
            if caller.ended:
                return "sign_out"
            session = self._sessions.cache.find(caller.identity.sid)
            if session is None:
                return "session_unknown"
            if isinstance(session, EndedSession):
                return session.reason or "session_ended"
            if now >= session.expires_at:
                return "absolute" if now >= session.absolute_expires_at else "idle"
            if session.refuses(caller.identity.jti, caller.identity.grant):
                return "token_revoked"
            if standing.by_token and now >= caller.identity.expires_at:
                return "token_expired"
            if now >= caller.identity.expires_at + max(route.zone.expired_tokens, RENEWED_BY):
                return "session_unknown"  # the identity provider is away, and the zone does not go on for longer (S9)
            if (objection := self._without_lease(standing)) is not None:
                return objection
        if route.zone.name != standing.route.zone.name:
            return "decided_anew"  # another zone may demand anything, and lead anywhere
        decided = self._judge.decide(
            caller,
            route,
            standing.method.decode("ascii"),
            standing.path.decode("ascii"),
            standing.address,
            standing.browser,
            now,
            standing.certificate,
        )
        decision = decided.decision
        if decision.effect is not Effect.ALLOW and decision.effect is not Effect.REDUCE:
            return "no_longer_allowed"
        # an upstream learns obligations and roles when an exchange begins: other ones need another exchange
        lost = standing.elevations and not set(standing.elevations) <= set(decision.elevations)
        return "decided_anew" if lost or decision.obligations != standing.obligations else None

    def _route(self, standing: Standing) -> Route | None:
        if self.table is None:
            return standing.route
        return self.table.find(standing.route.authority.partition(":")[0].encode(), standing.path)
