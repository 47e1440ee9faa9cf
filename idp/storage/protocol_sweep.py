"""Forgetting what is over of the protocol: logins, pushed requests, codes, refresh families, ways back.

Run by the sessions' sweeper.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from config.connections import Transaction
from idp.storage import (
    codes,
    initial_access_tokens,
    logins,
    pending_grants,
    phones,
    pushed_requests,
    recovery_links,
    refresh_families,
    remembered,
    sign_in_links,
    upstream_attempts,
)
from idp.storage.one_time_codes import TEXTED

CODES_KEPT = timedelta(hours=24)
"""A replayed code ends its session (RFC 6749, section 4.1.2), so codes are known for longer than any session lives."""

PENDING_KEPT = timedelta(hours=1)
"""A client that asks too late is told `expired_token` for so long (RFC 8628, section 3.5)."""

TEXTED_KEPT = timedelta(hours=1)
"""How often a login was sent one is known for longer than any code works."""
UNPROVEN_KEPT = timedelta(days=1)
"""So long a number waits for its code."""


async def sweep(tx: Transaction, now: datetime) -> int:
    """Returns how many rows are gone."""
    return (
        await logins.sweep(tx, now)
        + await pushed_requests.sweep(tx, now)
        + await codes.sweep(tx, now - CODES_KEPT)
        + await refresh_families.sweep(tx, now)
        + await remembered.sweep(tx, now)
        + await recovery_links.sweep(tx, now)
        + await sign_in_links.sweep(tx, now)
        + await initial_access_tokens.sweep(tx, now)
        + await upstream_attempts.sweep(tx, now)
        + await pending_grants.sweep(tx, now - PENDING_KEPT)
        + await TEXTED.sweep(tx, now - TEXTED_KEPT)
        + await phones.sweep_pending(tx, now - UNPROVEN_KEPT)
    )
