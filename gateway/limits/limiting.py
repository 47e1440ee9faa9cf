"""Rates and shedding as the pipeline asks them, and what they need beside the way."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence

import structlog

from config.clock import Clock
from config.connections import Valkey
from gateway.callers.caller import Caller
from gateway.exchange import RequestHead, Verdict
from gateway.limits.busyness import Busyness
from gateway.limits.overload import ENTER, Overload, State
from gateway.limits.persistent import Persistent
from gateway.limits.rate_check import Exceeded, RateCheck
from gateway.limits.refusal import Refusals
from gateway.limits.settlement import INTERVAL, Settlement
from gateway.rounds import every
from gateway.routes.route_table import Route, RouteTable

_log = structlog.get_logger(__name__)

LOOK_EVERY = 0.002
"""Seconds between two looks at how late the event loop is: a turn that is shorter is not seen."""
LOOK_SELDOM = 0.01
"""Seconds between them while all is calm: an idle gateway sleeps."""


class Limiting:
    """Of one process."""

    def __init__(
        self,
        *,
        valkey: Valkey,
        clock: Clock,
        sheds: bool = True,
        enter: float = ENTER,
        busy: Callable[[float], float] | None = None,
    ) -> None:
        """`enter`: seconds that work may wait for this process before it sheds; `busy`: how busy it is, as
        `Busyness.share` says; None: as it does."""
        self._busy = busy or Busyness().share
        self._clock = clock
        self._sheds = sheds
        self.rates = RateCheck(clock)
        self.settlement = Settlement(valkey, clock)
        self.overload = Overload(enter)
        self._refusals = Refusals(clock)
        self.persistent = Persistent(clock)
        self.queue_waited: Callable[[], float] = lambda: 0.0
        """Seconds for which the first request has waited to be begun (`gateway.proxy.turns`)."""
        self.shedding = False
        self.alert = False
        """The process is not calm: every request asks `before`, whatever its route declares."""

    def use_table(self, table: RouteTable) -> None:
        """Other rates may be declared now."""
        self.rates.use_table(table)
        self.overload.use({route.priority for route in table.routes})

    def before(self, head: RequestHead, route: Route) -> Verdict | None:
        """Ask before anything else is done for a request. None: it goes on."""
        if route.rates:
            exceeded = self.rates.of_address(head.client, route)
            if exceeded is not None:
                self.persistent.refused(head.client)
                return self._refusals.exceeded(head, exceeded.rate, exceeded.wait)
        if self.alert and not self.overload.admits(route.priority, late=head.late):
            return self._refusals.overloaded(head)
        return None

    def patience(self) -> float:
        """Seconds for which a request may wait to be begun (`gateway.proxy.turns`)."""
        return self.overload.patience if self.shedding else math.inf

    def unread(self, former: RequestHead | None, next_correlation_id: Callable[[], str]) -> bytes | None:
        """The answer to a late request that is turned away before it is read. None: read it.

        `former`: the last one of its connection.
        """
        route = None if former is None else former.route
        if not self.overload.turns_away(None if route is None else route.priority):
            return None
        return self._refusals.unread(next_correlation_id())

    def after(
        self, head: RequestHead, route: Route, caller: Caller | None, obligations: Sequence[str]
    ) -> Exceeded | None:
        """Ask once a request is decided and may pass. None: it does."""
        return self.rates.of_caller(head.client, route, caller, obligations)

    def refuse(self, head: RequestHead, exceeded: Exceeded) -> Verdict:
        """What is answered to a request that `after` stopped."""
        self.persistent.refused(head.client)
        return self._refusals.exceeded(head, exceeded.rate, exceeded.wait)

    async def settle(self) -> None:
        """Tell all nodes what was let through here, and hear what was elsewhere."""
        await self.settlement.settle(self.rates.guards())

    async def run(self, stop: asyncio.Event) -> None:
        """Settle, and look how late the event loop is, until `stop` is set."""
        if self._sheds:
            self._look(self._clock.monotonic(), stop)
        await every(INTERVAL, self.settle, stop)
        await self.settle()

    def waited(self, delay: float, now: float) -> None:
        """The event loop was `delay` seconds late; `now` is monotonic."""
        overload, before = self.overload, self.overload.state
        overload.waited(delay, now, self._busy)
        if overload.state is not before:
            self.alert = overload.state is not State.CALM
            self.shedding = overload.state is State.SHEDDING
            if State.SHEDDING in (overload.state, before):
                _log.warning("shedding" if overload.state is State.SHEDDING else "shedding_over")

    def _look(self, due: float, stop: asyncio.Event) -> None:
        now = self._clock.monotonic()
        self.waited(max(0.0, now - due, self.queue_waited()), now)
        if not stop.is_set():
            pause = LOOK_EVERY if self.alert else LOOK_SELDOM
            asyncio.get_running_loop().call_later(pause, self._look, now + pause, stop)
