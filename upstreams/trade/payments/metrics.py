"""What is counted of payments."""

from __future__ import annotations

from prometheus_client import Counter

CALLS = Counter(
    "munjigi_payment_calls_total",
    "Calls to the payment provider, by what came of them: answered, refused, uncertain",
    ["provider", "call", "came_to"],
)
ENDED = Counter("munjigi_payments_ended_total", "Payments and refunds at their end", ["of", "state"])
DEAD = Counter(
    "munjigi_payments_dead_total",
    "Payments and refunds that nothing is tried about any more: a person has to look",
    ["of"],
)
