"""The end of every exchange: what the data path tells, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from gateway.exchange import RequestHead
from gateway.routes.route_table import Route, RouteTable
from gateway.telemetry.measured import Exchange
from gateway.telemetry.meters import FOLD_AT, NEVER, Meter
from gateway.telemetry.tracing import Tracing
from policy.decision import Effect

_ALLOW = Effect.ALLOW
_SWITCHED = 101


Heard = Callable[[Exchange, RequestHead | None, float, bool], None]
"""Told of an exchange: its request, where one could be read; the seconds it took; whether it came to its end."""


class Telemetry:
    """Of one process. `ended` is on the warm way."""

    def __init__(self, *, tracing: Tracing | None = None, heard: Heard | None = None, asked_by: str = "") -> None:
        """`heard`: the access log. `asked_by`: of the questions of this kind of proxy (`at_door`)."""
        self.tracing = tracing
        self._heard = heard
        self._asked_by = asked_by
        self._at_doors: dict[str, Telemetry] = {}
        self._table: RouteTable | None = None
        self._known: dict[tuple[str, str], Meter] = {}
        self._nowhere = self._meter("", "")
        self._of_route: dict[int, Meter] = {id(None): self._nowhere}

    def use_table(self, table: RouteTable) -> None:
        """Count for other routes; those of the same name go on."""
        self._of_route = {id(route): self._meter(route.name, route.zone.name) for route in table.routes}
        self._of_route[id(None)] = self._nowhere
        self._table = table
        for at_door in self._at_doors.values():
            at_door.use_table(table)

    def at_door(self, asked_by: str) -> Telemetry:
        """For what proxies of one kind ask at a door: counted for itself, logged and traced with all else."""
        found = self._at_doors.get(asked_by)
        if found is None:
            found = self._at_doors[asked_by] = Telemetry(tracing=self.tracing, heard=self._heard, asked_by=asked_by)
            if self._table is not None:
                found.use_table(self._table)
        return found

    def meters(self) -> tuple[Meter, ...]:
        """All that ever counted, as of now."""
        for meter in self._known.values():
            meter.fold()
        of_doors = (meter for at_door in self._at_doors.values() for meter in at_door.meters())
        return (*self._known.values(), *of_doors)

    def ended(self, exchange: Exchange, head: RequestHead | None, complete: bool) -> None:
        """An exchange is over; `complete`: its answer came to its end."""
        began, decided_at, answered_at = exchange.began, exchange.decided_at, exchange.answered_at
        seconds = perf_counter() - began
        route, effect = (None, None) if head is None else (head.route, head.effect)
        meter = self._of_route.get(id(route)) or self._of_former(route)
        status = exchange.status
        (meter.allowed if effect is _ALLOW else meter.of(effect))[status // 100] += 1
        rows = meter.rows
        rows.append(
            (
                decided_at - began if decided_at else NEVER,
                answered_at - decided_at if answered_at else NEVER,
                NEVER if status == _SWITCHED else seconds,
                exchange.bytes_in,
                exchange.bytes_out,
            )
        )
        if len(rows) >= FOLD_AT:
            meter.fold()
        if self.tracing is not None and head is not None:
            self.tracing.ended(exchange, head, seconds)
        if self._heard is not None:
            self._heard(exchange, head, seconds, complete)

    def _of_former(self, route: Route | None) -> Meter:
        """Of a table that was swapped while the exchange went on."""
        return self._nowhere if route is None else self._meter(route.name, route.zone.name)

    def _meter(self, route: str, zone: str) -> Meter:
        meter = self._known.get((route, zone))
        if meter is None:
            meter = self._known[route, zone] = Meter(route, zone, self._asked_by)
        return meter
