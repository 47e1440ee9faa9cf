"""What of a session's tokens is revoked while the session lives on (RFC 7009): pure, decided at a moment passed in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

MOST_REVOKED: Final = 256
"""What is revoked one by one and not over yet; where a client revokes more the session ends, and so all of it."""

RevokedTokens = Mapping[str, int]
"""By `jti` of a token, or by the `grant` that tokens came of: the epoch second at which they are over."""


def not_over(revoked: RevokedTokens, now: datetime) -> RevokedTokens:
    """Those that somebody could still show; the others may be forgotten."""
    if not revoked:
        return revoked
    moment = now.timestamp()
    return {known: over_at for known, over_at in revoked.items() if over_at > moment}


def revoked_besides(revoked: RevokedTokens, name: str, over_at: int, now: datetime) -> RevokedTokens | None:
    """`revoked` with one more; None where that are more than are kept."""
    left = {**not_over(revoked, now), name: over_at}
    return left if len(left) <= MOST_REVOKED else None
