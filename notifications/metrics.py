"""What `notifications` measures of itself, for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from notifications.notice import Channel

_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)


@dataclass(frozen=True, slots=True)
class Figures:
    """Those of one channel."""

    waiting: Gauge
    sent: Counter
    failed: Counter
    dead: Counter
    seconds: Histogram


MAIL: Final = Figures(
    Gauge("munjigi_mail_waiting", "Mails that wait to be sent"),
    Counter("munjigi_mail_sent", "Mails that the server took", ["kind"]),
    Counter("munjigi_mail_failed_attempts", "Attempts that the server put off, or that did not reach it", ["cause"]),
    Counter("munjigi_mail_dead", "Mails that are dead letters now", ["cause"]),
    Histogram("munjigi_mail_seconds", "From a notice's queueing to the server having taken its mail", buckets=_BUCKETS),
)
TEXT: Final = Figures(
    Gauge("munjigi_text_waiting", "Text messages that wait to be sent"),
    Counter("munjigi_text_sent", "Text messages that the provider took", ["kind"]),
    Counter("munjigi_text_failed_attempts", "Attempts that the provider put off, or that did not reach it", ["cause"]),
    Counter("munjigi_text_dead", "Text messages that are dead letters now", ["cause"]),
    Histogram(
        "munjigi_text_seconds", "From a notice's queueing to the provider having taken its text", buckets=_BUCKETS
    ),
)
OF_CHANNEL: Final[Mapping[Channel, Figures]] = {"mail": MAIL, "text": TEXT}
