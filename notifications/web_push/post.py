"""One post to a push service (RFC 8030), and what its answer means."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from config.outbound import NotFetched, Outbound
from notifications.web_push.encryption import SALT_SIZE, encrypt
from notifications.web_push.subscription import Subscription
from notifications.web_push.vapid import Vapid

LARGEST_ANSWER: Final = 16_384
"""Bytes; nothing of an answer is used beyond its status and `Retry-After`."""
LONGEST_WAIT: Final = timedelta(hours=1)

Urgency = Literal["very-low", "low", "normal", "high"]
Verdict = Literal["taken", "gone", "again", "refused"]
"""`gone`: the subscription is no more, and nothing must be sent to it (RFC 8030, section 7.3)."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of a post."""

    verdict: Verdict
    said: str
    """The status, or the kind of the error: for the log."""
    after: timedelta | None = None
    """How long the push service wants to be left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One message."""

    body: bytes
    ttl: int
    """Seconds for which the push service may keep it (RFC 8030, section 5.2)."""
    urgency: Urgency
    topic: str
    """At most 32 characters of base64url: a later message of the same topic takes its place (section 5.4)."""


async def post(outbound: Outbound, vapid: Vapid, to: Subscription, push: Push, now: float) -> Posted:
    """Encrypt a message for a browser and hand it to its push service. `now`: epoch seconds."""
    body = encrypt(
        push.body,
        browser_key=to.browser_key,
        secret=to.secret,
        sender=generate_private_key(SECP256R1()),
        salt=secrets.token_bytes(SALT_SIZE),
    )
    headers = {
        "Authorization": vapid.authorization(to.endpoint, now),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(push.ttl),
        "Urgency": push.urgency,
        "Topic": push.topic,
    }
    try:
        answer = await outbound.ask("POST", to.endpoint, headers=headers, most=LARGEST_ANSWER, content=body)
    except NotFetched as error:
        return Posted("again", str(error))
    return judge(answer.status, answer.headers, now)


def judge(status: int, headers: Mapping[str, str], now: float) -> Posted:
    """What an answer of a push service means."""
    if 200 <= status < 300:
        return Posted("taken", str(status))
    if status in (404, 410):
        return Posted("gone", str(status))
    if status == 429 or status >= 500:
        return Posted("again", str(status), retry_after(headers.get("retry-after", ""), now))
    return Posted("refused", str(status))


def retry_after(value: str, now: float) -> timedelta | None:
    """`Retry-After` (RFC 9110, section 10.2.3): seconds, or a moment; None where it says neither."""
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=min(int(value[:9]), 10**8)), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError):
        return None
    return min(max(timedelta(), timedelta(seconds=moment - now)), LONGEST_WAIT)
