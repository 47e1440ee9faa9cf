"""What the gateway measures of itself, read when Prometheus asks: the warm way only counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from config.clock import Clock
from gateway.admission import goes_on_without_lease
from gateway.decision.judge import Judge
from gateway.decision.live_connections import LiveConnections
from gateway.routes.route_table import RouteTable, Zone
from gateway.sessions.session_check import SessionCheck
from gateway.sessions.staleness import BOUNDS

STATES = ("held", "grace", "read_only", "closed")
"""Of a zone: the lease is held; the last known state is taken; it may only be read; nobody gets in by a session."""


class GatewayMetrics(Collector):
    """Registered by the composition root, for as long as the gateway runs."""

    def __init__(
        self,
        *,
        sessions: SessionCheck,
        live: LiveConnections,
        judge: Judge,
        table: Callable[[], RouteTable],
        clock: Clock,
        clients: Callable[[], int],
    ) -> None:
        """`clients`: how many connections of clients stand."""
        self._sessions = sessions
        self._live = live
        self._judge = judge
        self._table = table
        self._clock = clock
        self._clients = clients

    def describe(self) -> Iterator[Metric]:
        """Nothing by name, so that several gateways may stand in one process of a test."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """All of it, as it is now."""
        yield self._staleness()
        yield from self._near_cache()
        yield self._zones()
        yield from self._live_connections()
        yield GaugeMetricFamily(
            "munjigi_client_connections", "Connections of clients that stand", value=self._clients()
        )

    def _live_connections(self) -> Iterator[Metric]:
        connections = GaugeMetricFamily(
            "munjigi_live_connections", "Exchanges that outlive their decision", labels=["zone"]
        )
        counts = {route.zone.name: 0 for route in self._table().routes} | self._live.by_zone()
        for zone, count in sorted(counts.items()):
            connections.add_metric([zone], count)
        yield connections
        behind = GaugeMetricFamily(
            "munjigi_live_connections_behind", "Live connections that the policy of now has not decided yet"
        )
        behind.add_metric([], self._live.behind(self._judge.snapshot.version))
        yield behind
        ended = CounterMetricFamily(
            "munjigi_live_connections_ended", "Live connections that the gateway ended", labels=["reason"]
        )
        for reason, count in sorted(self._live.ended.items()):
            ended.add_metric([reason], count)
        yield ended

    def _staleness(self) -> Metric:
        staleness, total, buckets = self._sessions.staleness, 0, []
        for bound, count in zip(BOUNDS, staleness.counts(), strict=True):
            total += count
            buckets.append(("+Inf" if bound == float("inf") else str(bound), float(total)))
        family = HistogramMetricFamily(
            "munjigi_session_staleness_seconds", "How old the state of sessions was by which a request was decided"
        )
        family.add_metric([], buckets, staleness.sum)
        return family

    def _near_cache(self) -> Iterator[Metric]:
        cache = self._sessions.cache
        sessions = GaugeMetricFamily("munjigi_near_cache_sessions", "Sessions in memory", labels=["state"])
        sessions.add_metric(["live"], len(cache.live))
        sessions.add_metric(["ended"], len(cache.ended))
        yield sessions
        for name, value, text in (
            ("munjigi_near_cache_hits", self._sessions.hits, "Decisions that found their session in memory"),
            ("munjigi_near_cache_fills", self._sessions.fills, "Sessions asked of the projection"),
            ("munjigi_near_cache_evictions", cache.evictions, "Live sessions that made room for others"),
            ("munjigi_near_cache_resets", cache.generation, "Times that all live sessions were forgotten"),
        ):
            counter = CounterMetricFamily(name, text)
            counter.add_metric([], value)
            yield counter

    def _zones(self) -> Metric:
        family = GaugeMetricFamily(
            "munjigi_zone_lease", "What a zone does now, 1 for one of the states", labels=["zone", "state"]
        )
        overdue = self._sessions.lease.overdue(self._clock.monotonic())
        zones = {route.zone.name: route.zone for route in self._table().routes}
        for name in sorted(zones):
            now = zone_state(zones[name], overdue)
            for state in STATES:
                family.add_metric([name, state], state == now)
        return family


def zone_state(zone: Zone, overdue: float | None) -> str:
    """One of `STATES`, `overdue` seconds after the lease ran out; None: it is held."""
    if overdue is None:
        return "held"
    if goes_on_without_lease(zone, overdue, reads=False):
        return "grace"
    return "read_only" if goes_on_without_lease(zone, overdue, reads=True) else "closed"
