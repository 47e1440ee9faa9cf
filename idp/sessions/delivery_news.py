"""What became of deliveries, for metrics and the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import structlog
from prometheus_client import Counter, Histogram

from idp.sessions.delivery import Delivery, Outcome, Verdict

_log = structlog.get_logger(__name__)
_settled = Counter(
    "munjigi_end_deliveries_total",
    "Posts to relying parties and to receivers of shared signals, by what became of them",
    ["channel", "outcome"],
)
_seconds = Histogram(
    "munjigi_end_delivery_seconds",
    "From the end of a session until its relying party or receiver had taken the news",
    ["channel"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200),
)

Channel = Literal["logout", "push", "poll"]


def posted(delivery: Delivery, verdict: Verdict, problem: str, now: datetime) -> None:
    """Tell what came of a post that was settled, or put off."""
    channel: Channel = "logout" if delivery.recipient.stream_id is None else "push"
    _settled.labels(channel, "failed" if verdict == "again" else verdict).inc()
    if verdict == "delivered":
        _seconds.labels(channel).observe(max(0.0, (now - delivery.happened_at).total_seconds()))
        return
    level = _log.warning if verdict == "dead" else _log.info
    level(
        "end_not_delivered",
        channel=channel,
        client_id=delivery.recipient.client_id,
        delivery=str(delivery.id),
        attempts=delivery.attempts,
        problem=problem,
        dead=verdict == "dead",
    )


def polled(outcome: Outcome, happened_at: Sequence[datetime], now: datetime) -> None:
    """Count what the receiver of a polled stream acknowledged or refused."""
    _settled.labels("poll", outcome).inc(len(happened_at))
    if outcome == "delivered":
        for moment in happened_at:
            _seconds.labels("poll").observe(max(0.0, (now - moment).total_seconds()))
