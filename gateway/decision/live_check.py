"""May what lives on go on living? Asked again when a session, a fact or the policy changes, and every second (S5)."""

from __future__ import annotations

from config.clock import Clock
from gateway.admission import goes_on_without_lease
from gateway.decision.judge import Judge
from gateway.decision.live_connections import LiveConnections, Standing
from gateway.exchange import LiveConnection
from gateway.routes.route_table import Route, RouteTable
from gateway.sessions.near_cache import EndedSession, LiveSession
from gateway.sessions.session_check import SessionCheck, StoreUnreachable
from policy.decision import Effect

LEASE_EVERY = 0.1
"""Seconds between two looks at the lease. What lives on is judged by how the lease will stand at the next one, so that
nothing outlives it."""


class LiveCheck:
    """Decides live connections again and ends those that may not go on."""

    def __init__(self, *, live: LiveConnections, sessions: SessionCheck, judge: Judge, clock: Clock) -> None:
        self.table: RouteTable | None = None
        """The routes as they are now; a standing exchange began by those of its time."""
        self._live = live
        self._sessions = sessions
        self._judge = judge
        self._clock = clock
        self._lease_held = True

    def opened(self, standing: Standing, connection: LiveConnection) -> None:
        """An exchange turned out to live on; something may have ended since it was decided."""
        self._live.opened(standing, connection)
        if (objection := self.objection(standing)) is not None:
            self.closed(connection)
            connection.end(objection)

    def closed(self, connection: LiveConnection) -> None:
        """It is over."""
        self._live.closed(connection)

    def session_ended(self, ended: EndedSession) -> None:
        """A session ended: at once, not at the next look."""
        self._live.end_session(ended.sid, ended.reason or "session_ended")

    def session_changed(self, sid: str) -> None:
        """A session's token or state is a new one."""
        if sid in self._sessions.cache.live:
            self._live.decide_again(self.objection, sid)

    async def look(self) -> None:
        """Ask about all of them. What the near cache forgot is asked of the projection first."""
        now = self._clock.timestamp()
        for sid in self._live.sessions():
            session = self._sessions.cache.find(sid)
            if sid and (session is None or (isinstance(session, LiveSession) and now >= session.expires_at)):
                try:
                    await self._sessions.fill(sid)
                except StoreUnreachable:
                    break  # the lease is about to run out for all of them
        self._live.decide_again(self.objection)

    async def watch_lease(self) -> None:
        """Once the lease is about to run out, each zone does what it says, to what lives on as well (S4)."""
        held = self._lapsed() is None
        if self._lease_held and not held:
            self._live.decide_again(self._without_lease)
        self._lease_held = held

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
            if caller.identity.jti in session.revoked:
                return "token_revoked"
            if standing.by_token and now >= caller.identity.expires_at:
                return "token_expired"
            if (objection := self._without_lease(standing)) is not None:
                return objection
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
        # an upstream learns obligations when an exchange begins: other ones need another exchange
        return None if decision.obligations == standing.obligations else "decided_anew"

    def _route(self, standing: Standing) -> Route | None:
        if self.table is None:
            return standing.route
        return self.table.find(standing.route.authority.partition(":")[0].encode(), standing.path)
