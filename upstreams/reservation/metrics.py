"""What reservation measures of itself, for Prometheus."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterable, Iterator, Mapping
from heapq import nlargest

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

HOTTEST = 20
"""Things that are named in the metrics: a label for each thing there is would be one too many."""
REMEMBERED = 4096
COOLING = 0.5
"""What is left of a thing's heat after each round of the reconciler."""

WAITING = Gauge("munjigi_reservation_waiting_requests", "Requests that wait in a line", ["shard"])
BATCH = Histogram(
    "munjigi_reservation_batch_requests",
    "Requests that one transaction decided",
    buckets=(1, 2, 5, 10, 50, 100, 250, 500, 1000, 2000, 4000),
)
BATCH_TIME = Histogram(
    "munjigi_reservation_batch_seconds",
    "How long one transaction took",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
DECIDED = Counter("munjigi_reservation_decided", "Requests that were decided", ["outcome"])
REFUSED_AT_THE_GATE = Counter("munjigi_reservation_gate_refusals", "Requests that the gate did not let in", ["why"])
GATE_DRIFT = Gauge("munjigi_reservation_gate_drift_units", "By how many units the gates were off when last counted")
GATES = Gauge("munjigi_reservation_gates", "Gates that were counted in the last round")
GUARD = Counter(
    "munjigi_reservation_guard",
    "Times that a constraint of the database had to refuse what a batch wanted: more than 0 is a fault of ours",
    ["constraint"],
)
BURIED = Counter("munjigi_reservation_buried", "Requests that became dead letters")
PUT_IN_AGAIN = Counter("munjigi_reservation_put_in_again", "Queued requests that were missing in their line")
LEASES = Gauge("munjigi_reservation_leases", "Lines that this process serves")
EXPIRED = Counter("munjigi_reservation_expired", "Holds that nobody confirmed in time")


class Heat(Collector):
    """How much each thing is asked for, cooling down with time."""

    def __init__(self) -> None:
        self._heat: dict[str, float] = {}

    def warm(self, skus: Iterable[str]) -> None:
        """These things were asked for."""
        for sku, count in Counts(skus).items():
            self._heat[sku] = self._heat.get(sku, 0.0) + count
        if len(self._heat) > REMEMBERED:
            self._heat = dict(nlargest(REMEMBERED // 2, self._heat.items(), key=lambda item: item[1]))

    def cool(self) -> None:
        """Time went by."""
        self._heat = {sku: heat * COOLING for sku, heat in self._heat.items() if heat * COOLING >= 0.5}

    def hottest(self) -> Mapping[str, float]:
        """Those that are asked for most."""
        return dict(nlargest(HOTTEST, self._heat.items(), key=lambda item: item[1]))

    def collect(self) -> Iterator[Metric]:
        """For Prometheus."""
        family = GaugeMetricFamily(
            "munjigi_reservation_heat",
            "Requests for a thing in the last seconds, the hottest things alone",
            labels=["sku"],
        )
        for sku, heat in self.hottest().items():
            family.add_metric([sku], heat)
        yield family
