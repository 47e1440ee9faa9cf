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
END_HEARD = Histogram(
    "munjigi_session_end_heard_seconds",
    "From the moment of a session's end to this process having dropped it",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
REVOCATION = Histogram(
    "munjigi_revocation_seconds",
    "From the acknowledged end of a probe's session to the last moment at which a gateway would have let it through",
    ["gateway"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 3),
)
REVOCATION_LAST = Gauge("munjigi_revocation_last_seconds", "The same, of the last probe alone", ["gateway"])
REVOCATION_MISSING = Counter(
    "munjigi_revocation_missing", "Probes of which a gateway that is there did not report the end", ["gateway"]
)
SUBSCRIPTION_RESETS = Counter(
    "munjigi_subscription_resets", "Times that a subscriber had to forget all it knew", ["cause"]
)
