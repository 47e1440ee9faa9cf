"""What stands above the policy at this gateway, and how well it is known: for Prometheus, and on the health socket."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.decision.threat_feeds import ThreatFeeds
from policy.overlay.live import LiveOverlay

STALE_AFTER = 5.0
"""Seconds without an answer of the database after which the overlay is told as stale: it goes on all the same."""


class OverlayMetrics(Collector):
    """Registered by the composition root, for as long as the gateway runs."""

    def __init__(self, overlay: LiveOverlay, feeds: ThreatFeeds) -> None:
        self._overlay = overlay
        self._feeds = feeds

    def document(self) -> bytes:
        """`/overlay` of the health socket."""
        live = self._overlay
        content = {
            "known": live.overlay.known,
            "stale": live.age > STALE_AFTER,
            "age": round(live.age, 3) if live.overlay.known else None,
            "elevations": live.overlay.elevations,
            "measures": live.overlay.measures,
            "feeds": {
                name: {
                    "in_force": self._feeds.is_in_force(feed),
                    "ranges": 0 if feed.listed is None else len(feed.listed),
                    "age": None if feed.listed is None else round(self._feeds.age(feed)),
                    "refused": feed.refused or None,
                }
                for name, feed in self._feeds.feeds.items()
            },
        }
        return msgspec.json.encode(content) + b"\n"

    def describe(self) -> Iterator[Metric]:
        """Nothing by name, so that several gateways may stand in one process of a test."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """All of it, as it is now."""
        live = self._overlay
        entries = GaugeMetricFamily(
            "munjigi_overlay_entries", "What stands above the policy for a time", labels=["kind"]
        )
        entries.add_metric(["elevation"], live.overlay.elevations)
        entries.add_metric(["measure"], live.overlay.measures)
        yield entries
        yield GaugeMetricFamily(
            "munjigi_overlay_age_seconds",
            "Since what stands above the policy was known to be all of it; infinite: never, and everything is denied",
            value=live.age,
        )
        taken = CounterMetricFamily("munjigi_overlay_taken_up", "Times that another one was taken up")
        taken.add_metric([], live.taken)
        yield taken
        ranges = GaugeMetricFamily(
            "munjigi_threat_feed_ranges", "Ranges that a threat feed lists; 0: none of it is in force", labels=["feed"]
        )
        ages = GaugeMetricFamily(
            "munjigi_threat_feed_age_seconds", "Since the list in use was written", labels=["feed"]
        )
        for name, feed in self._feeds.feeds.items():
            in_force = feed.listed is not None and self._feeds.is_in_force(feed)
            ranges.add_metric([name], len(feed.listed) if in_force and feed.listed is not None else 0)
            if feed.listed is not None:
                ages.add_metric([name], self._feeds.age(feed))
        yield ranges
        yield ages
