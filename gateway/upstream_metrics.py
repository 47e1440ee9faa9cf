"""What the gateway measures of its upstreams and their targets, read when Prometheus asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.proxy.breaker import State
from gateway.proxy.pool import Pool, Pools


class UpstreamMetrics(Collector):
    """Registered by the composition root, for as long as the gateway runs."""

    def __init__(self, pools: Callable[[], Pools]) -> None:
        """`pools`: those in use now."""
        self._pools = pools

    def describe(self) -> Iterator[Metric]:
        """Nothing by name, so that several gateways may stand in one process of a test."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """All of it, as it is now."""
        pools = sorted(self._pools().by_name.values(), key=lambda pool: pool.name)
        yield from self._of_upstreams(pools)
        yield from self._of_targets(pools)

    def _of_upstreams(self, pools: list[Pool]) -> Iterator[Metric]:
        waiting = GaugeMetricFamily(
            "munjigi_upstream_waiting", "Requests that wait for a connection", labels=["upstream"]
        )
        retries = CounterMetricFamily(
            "munjigi_upstream_retries", "Requests that were sent a second time", labels=["upstream"]
        )
        refused = CounterMetricFamily(
            "munjigi_upstream_retries_refused", "Requests that were not, for the budget was spent", labels=["upstream"]
        )
        for pool in pools:
            waiting.add_metric([pool.name], len(pool.waiting))
            retries.add_metric([pool.name], pool.retries)
            refused.add_metric([pool.name], pool.retries_refused)
        yield from (waiting, retries, refused)

    def _of_targets(self, pools: list[Pool]) -> Iterator[Metric]:
        labels = ["upstream", "target"]
        outstanding = GaugeMetricFamily(
            "munjigi_upstream_outstanding", "Requests under way to a target, websockets among them", labels=labels
        )
        idle = GaugeMetricFamily("munjigi_upstream_idle", "Unused connections to a target", labels=labels)
        breaker = GaugeMetricFamily(
            "munjigi_upstream_breaker", "How a target stands, 1 for one of the states", labels=[*labels, "state"]
        )
        answers = CounterMetricFamily(
            "munjigi_upstream_answers", "Requests that a target answered to the end", labels=labels
        )
        faults = CounterMetricFamily(
            "munjigi_upstream_faults", "What a target did wrong, by kind", labels=[*labels, "fault"]
        )
        ejections = CounterMetricFamily(
            "munjigi_upstream_ejections", "Times that a target got no more requests", labels=labels
        )
        for pool in pools:
            for target in pool.targets:
                of = [pool.name, target.address]
                outstanding.add_metric(of, target.outstanding)
                idle.add_metric(of, len(target.idle))
                answers.add_metric(of, target.answers)
                ejections.add_metric(of, target.ejections)
                for state in State:
                    breaker.add_metric([*of, state], target.state is state)
                for fault, count in target.faults.items():
                    faults.add_metric([*of, fault], count)
        yield from (outstanding, idle, breaker, answers, faults, ejections)
