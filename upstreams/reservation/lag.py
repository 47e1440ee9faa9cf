"""How long requests waited, for Prometheus: noted by the thousand, which its own histogram takes one by one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import REGISTRY
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)
"""Seconds."""
_BOUNDS = (*map(str, BUCKETS), "+Inf")


class Lag(Collector):
    """From the moment at which a request was taken to its decision."""

    def __init__(self) -> None:
        self._counts = [0] * len(_BOUNDS)
        self._sum = 0.0

    def note(self, seconds: Iterable[float]) -> None:
        """So long these waited."""
        counts, total = self._counts, 0.0
        for one in seconds:
            counts[bisect_left(BUCKETS, one)] += 1
            total += one
        self._sum += total

    def collect(self) -> Iterator[Metric]:
        """For Prometheus."""
        buckets = list(zip(_BOUNDS, map(float, accumulate(self._counts)), strict=True))
        yield HistogramMetricFamily(
            "munjigi_reservation_lag_seconds",
            "From the moment at which a request was taken to its decision",
            buckets=buckets,
            sum_value=self._sum,
        )


LAG = Lag()
REGISTRY.register(LAG)
