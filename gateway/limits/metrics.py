"""What was refused and shed, read when Prometheus asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.limits.limiting import Limiting
from gateway.limits.overload import State
from gateway.proxy.client_connection import ClientConnection
from gateway.proxy.door import Door


class LimitMetrics(Collector):
    """Registered by the composition root, for as long as the gateway runs."""

    def __init__(self, *, limiting: Limiting, door: Door) -> None:
        self._limiting = limiting
        self._door = door

    def describe(self) -> Iterator[Metric]:
        """Nothing by name, so that several gateways may stand in one process of a test."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """All of it, as it is now."""
        yield from self._rates()
        yield from self._load()

    def _rates(self) -> Iterator[Metric]:
        refused = CounterMetricFamily(
            "munjigi_rate_refusals", "Requests beyond a rate (429)", labels=["per", "declared_for"]
        )
        counts: Counter[tuple[str, str]] = Counter()
        subjects: Counter[tuple[str, str]] = Counter()
        for guard in self._limiting.rates.guards():
            counts[guard.rate.per, guard.rate.scope] += guard.refused
            subjects[guard.rate.per, guard.rate.scope] += len(guard)
        for labels, count in counts.items():
            refused.add_metric(list(labels), count)
        yield refused
        held = GaugeMetricFamily("munjigi_rate_subjects", "Who is counted in memory", labels=["per", "declared_for"])
        for labels, count in subjects.items():
            held.add_metric(list(labels), count)
        yield held
        alone = GaugeMetricFamily("munjigi_rates_alone", "1: Valkey is away, and this process keeps rates by itself")
        alone.add_metric([], self._limiting.settlement.away)
        yield alone

    def _load(self) -> Iterator[Metric]:
        overload, door = self._limiting.overload, self._door
        shed = CounterMetricFamily("munjigi_shed_requests", "Requests turned away (503)", labels=["priority"])
        for priority, count in overload.shed.items():
            shed.add_metric([priority], count)
        shed.add_metric(["unread"], overload.unread)
        yield shed
        shedding = GaugeMetricFamily("munjigi_shedding", "1: more comes than this process can do")
        shedding.add_metric([], overload.state is State.SHEDDING)
        yield shedding
        wait = GaugeMetricFamily("munjigi_event_loop_wait_seconds", "The median wait of the last 100 ms")
        wait.add_metric([], overload.wait)
        yield wait
        in_flight = GaugeMetricFamily("munjigi_exchanges_in_flight", "Requests that are not answered to their end")
        in_flight.add_metric([], sum(isinstance(one, ClientConnection) and one.busy for one in door.watch.watched))
        yield in_flight
        slow = CounterMetricFamily("munjigi_slow_clients", "Connections given up because their client was too slow")
        slow.add_metric([], door.slow_clients)
        yield slow
        addresses = CounterMetricFamily("munjigi_address_refusals", "Connections beyond what one address may hold")
        addresses.add_metric([], door.per_address.refused)
        yield addresses
