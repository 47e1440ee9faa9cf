"""The counts of `gateway.telemetry`, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.telemetry.meters import BOUNDS, STATUSES, Histogram, Meter

_LABELS = ("route", "zone")
_ASKED_BY = "asked_by"
_EDGES = [*(repr(bound) for bound in BOUNDS[:-1]), "+Inf"]
_HISTOGRAMS: tuple[tuple[str, str, Callable[[Meter], Histogram]], ...] = (
    ("munjigi_decision_seconds", "From the head of a request to its verdict", lambda meter: meter.decided),
    ("munjigi_first_byte_seconds", "From the verdict to the upstream's answer", lambda meter: meter.answered),
    ("munjigi_request_seconds", "From the head of a request to the last byte of its answer", lambda meter: meter.whole),
)


class ExchangeMetrics(Collector):
    """Registered for as long as the gateway runs."""

    def __init__(self, meters: Callable[[], tuple[Meter, ...]], counters: Callable[[], dict[str, tuple[str, int]]]):
        """`counters`: more of them, by name: what they count, and how many."""
        self._meters = meters
        self._counters = counters

    def describe(self) -> Iterator[Metric]:
        """Nothing by name, so that several gateways may stand in one process of a test."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """All of it, as it is now."""
        meters = self._meters()
        requests = CounterMetricFamily(
            "munjigi_requests", "Exchanges that are over", labels=[*_LABELS, "effect", "status", _ASKED_BY]
        )
        for meter in meters:
            for effect, counts in meter.effects.items():
                for status, count in zip(STATUSES, counts, strict=True):
                    if count:
                        named = "none" if effect is None else effect.value
                        requests.add_metric(_labels(meter, named, status), count)
        yield requests
        for name, text, of in _HISTOGRAMS:
            yield _histogram(name, text, meters, of)
        for way, text in (("in", "Bytes that clients sent"), ("out", "Bytes that clients were sent")):
            family = CounterMetricFamily(f"munjigi_bytes_{way}", text, labels=[*_LABELS, _ASKED_BY])
            for meter in meters:
                family.add_metric(_labels(meter), meter.bytes_in if way == "in" else meter.bytes_out)
            yield family
        for name, (text, count) in self._counters().items():
            yield CounterMetricFamily(name, text, value=count)


def _labels(meter: Meter, *more: str) -> list[str]:
    """The last label is left out where nobody asked: the gateway's own exchanges bear no `asked_by`."""
    return [meter.route, meter.zone, *more, *([meter.asked_by] if meter.asked_by else [])]


def _histogram(name: str, text: str, meters: tuple[Meter, ...], of: Callable[[Meter], Histogram]) -> Metric:
    family = HistogramMetricFamily(name, text, labels=[*_LABELS, _ASKED_BY])
    for meter in meters:
        histogram, total, buckets = of(meter), 0, []
        for edge, count in zip(_EDGES, histogram.counts, strict=True):
            total += count
            buckets.append((edge, float(total)))
        if total:
            family.add_metric(_labels(meter), buckets, histogram.sum)
    return family
