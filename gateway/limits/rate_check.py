"""Which rates hold for a request, and whether it is within them. The guards answer from memory.

An address is counted before anybody looks at credentials, so that a flood costs next to nothing; what is refused then
is no decision, and stands in no log. A person, a client, a route, and whom the policy obliges (`limit:N`) are counted
once the request is decided and may pass: what is denied uses up nobody's share, and the record of the decision names
the rate that stopped it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from config.clock import Clock
from config.subscriber import subscriber
from gateway.callers.caller import Caller
from gateway.limits.guard import Guard
from gateway.limits.rate import Per, Rate
from gateway.routes.route_table import Route, RouteTable

_OBLIGATION = "limit:"
_MINUTE = 60
_OBLIGATIONS_KEPT = 1024


@dataclass(frozen=True, slots=True)
class Exceeded:
    """The rate that a request would go beyond."""

    rate: Rate
    wait: float
    """Seconds until one more is within it."""

    @property
    def name(self) -> str:
        """How the decision log calls it."""
        return f"{self.rate.per} of {self.rate.scope}"


@dataclass(frozen=True, slots=True)
class _Way:
    address: tuple[Guard, ...]
    others: tuple[Guard, ...]


class RateCheck:
    """The rates of one process. Guards outlive the table: what is declared again goes on counting."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._guards: dict[tuple[str, Per, int, int], Guard] = {}
        self._ways: dict[tuple[str, str], _Way] = {}
        self._obliged: dict[tuple[str, str], Guard | None] = {}

    def use_table(self, table: RouteTable) -> None:
        """Other rates may be declared now."""
        former, self._guards = self._guards, {}
        self._ways = {}
        for route in table.routes:
            guards = [self._guard(rate, former) for rate in route.rates]
            self._ways[route.authority, route.path] = _Way(
                tuple(guard for guard in guards if guard.rate.per is Per.ADDRESS),
                tuple(guard for guard in guards if guard.rate.per is not Per.ADDRESS),
            )

    def _guard(self, rate: Rate, former: dict[tuple[str, Per, int, int], Guard]) -> Guard:
        name = (rate.scope, rate.per, rate.requests, rate.seconds)
        guard = self._guards.get(name)
        if guard is None:
            known = former.get(name)
            guard = self._guards[name] = known if known is not None and known.rate == rate else Guard(rate)
        return guard

    def guards(self) -> list[Guard]:
        """All that count, the policy's too."""
        return [*self._guards.values(), *(guard for guard in self._obliged.values() if guard is not None)]

    def of_address(self, address: str, route: Route) -> Exceeded | None:
        """Count a request by where it comes from. None: it is within what is declared."""
        way = self._ways.get((route.authority, route.path))
        if way is None or not way.address:
            return None
        whose = subscriber(address)
        return _count([(guard, whose) for guard in way.address], self._clock.monotonic())

    def of_caller(
        self, address: str, route: Route, caller: Caller | None, obligations: Sequence[str]
    ) -> Exceeded | None:
        """Count a request that may pass by who sent it, what for, and what the policy lays on it."""
        counted: list[tuple[Guard, str]] = []
        if route.rates and (way := self._ways.get((route.authority, route.path))) is not None:
            for guard in way.others:
                subject = _subject(guard.rate.per, caller)
                if subject is not None:
                    counted.append((guard, subject))
        for obligation in obligations:
            if obligation.startswith(_OBLIGATION):
                obliged = self._obliged_by(route.zone.name, obligation)
                if obliged is None:
                    return Exceeded(Rate(Per.PERSON, 1, _MINUTE, 1, f"policy {obligation}"), _MINUTE)
                counted.append((obliged, subscriber(address) if caller is None else caller.identity.subject.id))
        return _count(counted, self._clock.monotonic())

    def _obliged_by(self, zone: str, obligation: str) -> Guard | None:
        """What counts `limit:N` in a zone, N requests a minute. None: N is no such number, so nothing passes."""
        name = (zone, obligation)
        if name not in self._obliged:
            if len(self._obliged) >= _OBLIGATIONS_KEPT:
                del self._obliged[next(iter(self._obliged))]
            number = obligation.removeprefix(_OBLIGATION)
            requests = int(number) if number.isascii() and number.isdecimal() and len(number) <= 6 else 0
            scope = f"policy {obligation} in {zone}"
            self._obliged[name] = Guard(Rate(Per.PERSON, requests, _MINUTE, requests, scope)) if requests else None
        return self._obliged[name]


def _subject(per: Per, caller: Caller | None) -> str | None:
    """Of whom a rate counts this request; None: of nobody."""
    if per is Per.ROUTE:
        return "everybody"
    if caller is None:
        return None
    if per is Per.PERSON:
        return caller.identity.subject.id
    return caller.identity.client_id if caller.cookie is None else None


def _count(counted: Sequence[tuple[Guard, str]], now: float) -> Exceeded | None:
    """All or nothing: what one rate refuses is taken of no other."""
    if len(counted) == 1:
        ((guard, subject),) = counted
        wait = guard.admit(subject, now)
        return Exceeded(guard.rate, wait) if wait else None
    for guard, subject in counted:
        if wait := guard.wait(subject, now):
            guard.refused += 1
            return Exceeded(guard.rate, wait)
    for guard, subject in counted:
        guard.take(subject, now)
    return None
