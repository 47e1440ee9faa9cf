"""The signature of a webhook: who sent it, and that it was now (HMAC, RFC 2104, over the moment and the body).

`Payment-Signature: t=<epoch seconds>,v1=<hex of HMAC-SHA256 of "<t>.<body>">`, as most providers do it. One that is
older than `TOLERANCE` is refused; one that is younger bears an id that is taken once.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta

from upstreams.trade.payments.provider import Untrusted

HEADER = "payment-signature"
TOLERANCE = timedelta(minutes=5)
_FORM = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def sign(secret: bytes, body: bytes, now: datetime) -> str:
    """The value of the header."""
    moment = int(now.timestamp())
    return f"t={moment},v1={_digest(secret, moment, body)}"


def verify(secret: bytes, body: bytes, header: str, now: datetime) -> None:
    """Raises `Untrusted`."""
    found = _FORM.fullmatch(header)
    if found is None:
        raise Untrusted("no signature")
    moment = int(found[1])
    if not hmac.compare_digest(found[2], _digest(secret, moment, body)):
        raise Untrusted("another signature")
    if abs(now.timestamp() - moment) > TOLERANCE.total_seconds():
        raise Untrusted("of another time")


def _digest(secret: bytes, moment: int, body: bytes) -> str:
    return hmac.new(secret, b"%d." % moment + body, hashlib.sha256).hexdigest()
