"""What is measured of approvals on other devices, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter

ASKED = Counter("munjigi_approvals_asked", "Questions to people's devices whether a sign-in is theirs.")
ANSWERED = Counter("munjigi_approvals_answered", "Answers of people's devices, by what they said.", ["state"])
REFUSED = Counter("munjigi_approvals_refused", "Answers of devices that count for nothing, by why.", ["why"])
WITHHELD = Counter(
    "munjigi_approvals_withheld", "Questions that were not asked, so that nobody is worn down, by the limit.", ["limit"]
)
