"""What `notifications` measures of itself, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

WAITING = Gauge("munjigi_mail_waiting", "Mails that wait to be sent")
SENT = Counter("munjigi_mail_sent", "Mails that the server took", ["kind"])
FAILED = Counter(
    "munjigi_mail_failed_attempts", "Attempts that the server put off, or that did not reach it", ["cause"]
)
DEAD = Counter("munjigi_mail_dead", "Mails that are dead letters now", ["cause"])
SECONDS = Histogram(
    "munjigi_mail_seconds",
    "From a notice's queueing to the server having taken its mail",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200),
)
