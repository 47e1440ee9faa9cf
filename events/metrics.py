"""What `events` measures of itself, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

OUTBOX_LAG = Histogram(
    "munjigi_outbox_lag_seconds",
    "From an event's writing to the outbox to its standing in the stream",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30),
)
RELAY_BATCH = Histogram(
    "munjigi_relay_batch_events", "Events that the relay carried at once", buckets=(1, 2, 5, 10, 50, 100, 250, 500)
)
RELAY_EPOCH = Gauge("munjigi_relay_epoch", "The epoch of this process's relay; 0: it stands by")
RELAY_TENURES_LOST = Counter("munjigi_relay_tenures_lost", "Tenures that ended by an error", ["cause"])
REVOCATION = Histogram(
    "munjigi_revocation_seconds",
    "From the moment of a session's end to this process having dropped it",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
SUBSCRIPTION_RESETS = Counter(
    "munjigi_subscription_resets", "Times that a subscriber had to forget all it knew", ["cause"]
)
