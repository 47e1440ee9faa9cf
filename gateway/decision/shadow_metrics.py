"""What became of the decisions that a shadow asks for, at this gateway: for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.decision.shadowing import Shadowing


class ShadowMetrics(Collector):
    """Registered by the composition root, for as long as the gateway runs."""

    def __init__(self, shadowing: Shadowing) -> None:
        self._shadowing = shadowing

    def describe(self) -> Iterator[Metric]:
        """Nothing by name, so that several gateways may stand in one process of a test."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """All of it, as it is now."""
        taken = CounterMetricFamily(
            "munjigi_shadow_decisions",
            "Decisions that a shadow asked for: made a second time, or dropped since too many waited",
            labels=["outcome"],
        )
        taken.add_metric(["made"], self._shadowing.made)
        taken.add_metric(["dropped"], self._shadowing.dropped)
        yield taken
        yield GaugeMetricFamily(
            "munjigi_shadow_waiting", "Decisions that wait to be made a second time", value=self._shadowing.waiting
        )
