"""The targets of one upstream as one: who gets the next request, who waits, what may be sent again."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from config.problem import ProblemType
from gateway.proxy.limits import Limits
from gateway.proxy.problems import UPSTREAM_BUSY, UPSTREAM_DOWN
from gateway.proxy.retry_budget import RetryBudget
from gateway.proxy.target import Target
from gateway.proxy.upstream import Owner, UpstreamConnection
from gateway.proxy.watch import Watch
from gateway.routes.upstream import Bounds, Upstream

_DIALS = 3
"""Targets that are dialled for one request, one after the other, before it is told that there is none."""
_LONGEST_RETRY_AFTER = 60


class Waiting(Protocol):
    """Whoever wants a connection."""

    def upstream_ready(self, connection: UpstreamConnection) -> None:
        """Here it is."""

    def upstream_unavailable(self, problem: ProblemType, retry_after: int) -> None:
        """There is none; there may be one after so many seconds."""


@dataclass(slots=True, eq=False)
class Asked:
    """One that waits."""

    client: Waiting
    safe: bool
    avoid: set[Owner] = field(default_factory=set)


class Pool:
    """The way to one upstream."""

    def __init__(self, upstream: Upstream, *, limits: Limits, watch: Watch) -> None:
        self.upstream = upstream
        self.name = upstream.name
        self.limits = limits = _limits_of(limits, upstream.bounds)
        self.watch = watch
        self.waiting: deque[Asked] = deque()
        self.retries = 0
        self.retries_refused = 0
        self.targets = tuple(Target(address, upstream, self) for address in upstream.targets)
        self.patience = limits.connect * min(len(self.targets), _DIALS)
        """Seconds that a request waits for a connection."""
        self._alone = len(self.targets) == 1
        self._idle: list[UpstreamConnection] = self.targets[0].idle if self._alone else []
        """Of the only target: the warm way of an upstream that has one."""
        self._turn = 0
        self._retired = False
        self._budget = RetryBudget(max(16, limits.upstream_connections))
        self._earned_at = watch.now
        self._answers = 0
        watch.watched.add(self)

    def take(self, *, safe: bool) -> UpstreamConnection | None:
        """A connection that is ready now, to the target with the least to do; `safe`: the request may be sent again."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if not connection.transport.is_closing():
                return connection
        if self._alone or (target := self._least(safe=safe)) is None:
            return None
        found = target.pop()
        if found is not None:
            self._chosen(target)
        return found

    def ask(self, client: Waiting, *, safe: bool, avoid: tuple[Owner, ...] = ()) -> None:
        """Have `client` told when a connection is ready, or that there will be none.

        `avoid`: where it was in vain, used only where there is no other target.
        """
        asked = Asked(client, safe, set(avoid))
        target = self._least(asked.avoid, safe=safe)
        if target is None and avoid:
            asked.avoid.clear()
            target = self._least(safe=safe)
        if target is None:
            client.upstream_unavailable(UPSTREAM_DOWN, self._retry_after())
        elif (connection := target.pop()) is not None:
            self._chosen(target)
            client.upstream_ready(connection)
        elif len(self.waiting) - self._dialling() >= self.limits.upstream_waiting:
            client.upstream_unavailable(UPSTREAM_BUSY, 1)
        else:
            self._chosen(target)
            self.waiting.append(asked)
            if target.has_room:
                target.dial(asked)

    def forget(self, client: Waiting) -> None:
        """`client` no longer waits."""
        for asked in self.waiting:
            if asked.client is client:
                self.waiting.remove(asked)
                return

    def may_repeat(self, after: tuple[Owner, ...], *, elsewhere: bool) -> bool:
        """Whether a request that came to nothing `after` these may be sent again, `elsewhere` only to another."""
        if elsewhere and self._least(after, safe=True) is None:
            return False
        if not self._budget.spend():
            self.retries_refused += 1
            return False
        self.retries += 1
        return True

    # --- Wanting

    def may_eject(self, target: Target) -> bool:
        """Not the larger half, nor the only one: bad answers may be the requests' fault, or everybody's."""
        now = self.watch.now
        away = sum(1 for other in self.targets if other is not target and not other.takes(now, safe=False))
        return away + 1 <= len(self.targets) // 2

    def hand_over(self, connection: UpstreamConnection) -> bool:
        """Whoever waited longest gets it, but nobody who was at that target in vain."""
        for asked in self.waiting:
            if connection.pool not in asked.avoid:
                self.waiting.remove(asked)
                asked.client.upstream_ready(connection)
                return True
        return False

    def not_reached(self, target: Target, asked: object) -> None:
        """Nothing was sent, so another target is tried whatever the request is."""
        if isinstance(asked, Asked) and asked in self.waiting:
            asked.avoid.add(target)
            other = None if len(asked.avoid) >= _DIALS else self._least(asked.avoid, safe=asked.safe)
            if other is None:
                self.waiting.remove(asked)
                asked.client.upstream_unavailable(UPSTREAM_DOWN, self._retry_after())
            else:
                self._chosen(other)
                if (connection := other.pop()) is not None:
                    self.waiting.remove(asked)
                    asked.client.upstream_ready(connection)
                elif other.has_room:
                    other.dial(asked)
        self.room()

    def room(self) -> None:
        """Dial for those who wait, as far as there is room; tell them where there is no target any more."""
        while (ahead := self._dialling()) < len(self.waiting):
            asked = self.waiting[ahead]
            target = self._least(asked.avoid, safe=asked.safe)
            if target is None and not any(other.open for other in self.targets):
                self.waiting.remove(asked)
                asked.client.upstream_unavailable(UPSTREAM_DOWN, self._retry_after())
            elif target is None or not target.has_room:
                return
            else:
                self._chosen(target)
                target.dial(asked)

    # --- Watched

    def check(self, now: float) -> None:
        """Called every tick."""
        for target in self.targets:
            target.check(now)
        if now - self._earned_at >= 1:
            answers = sum(target.answers for target in self.targets)
            self._budget.earn(answers - self._answers, now - self._earned_at)
            self._answers, self._earned_at = answers, now
        if self._retired and self.is_over:
            self.watch.watched.discard(self)

    # --- the end

    def retire(self) -> None:
        """No new request will come: what is under way or waits ends as it would have."""
        self._retired = True
        for target in self.targets:
            target.retire()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left of it."""
        return not self.waiting and all(target.is_over for target in self.targets)

    def close(self) -> None:
        """Close every connection, used or not."""
        self.watch.watched.discard(self)
        self.waiting.clear()
        for target in self.targets:
            target.close()

    # --- choosing

    def _least(self, avoid: Container[Owner] = (), *, safe: bool) -> Target | None:
        """The target with the fewest requests under way, the next in turn of those that are alike."""
        targets, turn, now = self.targets, self._turn, self.watch.now
        best: Target | None = None
        fewest = math.inf
        for target in targets[turn:] + targets[:turn]:
            if target.outstanding < fewest and target not in avoid and target.takes(now, safe=safe):
                best, fewest = target, target.outstanding
        return best

    def _chosen(self, target: Target) -> None:
        target.is_chosen(self.watch.now)
        if not self._alone:
            self._turn = (self.targets.index(target) + 1) % len(self.targets)

    def _dialling(self) -> int:
        return sum(target.dialling for target in self.targets)

    def _retry_after(self) -> int:
        now = self.watch.now
        soonest = min(target.rest(now) for target in self.targets)
        return min(_LONGEST_RETRY_AFTER, max(1, math.ceil(soonest)))


class Pools:
    """Every upstream by its name. Replaced as a whole when the route table changes."""

    def __init__(self, upstreams: Iterable[Upstream], *, limits: Limits, watch: Watch) -> None:
        self._limits = limits
        self._watch = watch
        self.by_name = {upstream.name: Pool(upstream, limits=limits, watch=watch) for upstream in upstreams}
        self._former: list[Pool] = []
        """Let go of, with something still under way."""

    def followed_by(self, upstreams: Iterable[Upstream]) -> Pools:
        """Those of another table: what is the same there goes on, connections and health and all; the rest retires."""
        pools = Pools((), limits=self._limits, watch=self._watch)
        for upstream in upstreams:
            known = self.by_name.get(upstream.name)
            if known is None or known.upstream != upstream:
                known = Pool(upstream, limits=self._limits, watch=self._watch)
            pools.by_name[upstream.name] = known
        kept = set(pools.by_name.values())
        retiring = [pool for pool in self.by_name.values() if pool not in kept]
        for pool in retiring:
            pool.retire()
        pools._former = [pool for pool in (*self._former, *retiring) if not pool.is_over]
        return pools

    def close(self) -> None:
        """Close every connection to every upstream."""
        for pool in (*self.by_name.values(), *self._former):
            pool.close()


def _limits_of(limits: Limits, bounds: Bounds) -> Limits:
    given: dict[str, Any] = {
        "connect": bounds.connect,
        "first_byte": bounds.first_byte,
        "stream_idle": bounds.idle,
        "total": bounds.total,
        "upstream_keep_alive": bounds.keep_alive,
        "upstream_connections": bounds.connections,
        "upstream_waiting": bounds.waiting,
    }
    return replace(limits, **{name: value for name, value in given.items() if value is not None})
