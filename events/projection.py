"""The projection of a session: what Valkey knows of it, and the rules by which it may change (S3, S4).

A lower version is refused, an end beats every live state, and what ended stays ended for as long as its tombstone
lives, which is longer than any token or rebuild. `next_state` states the rules; the script in `events.storage.stream`
enforces them in Valkey, and a test holds one against the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

TOMBSTONE_SECONDS = 3600

State = Literal["live", "ended"]


class SessionState(msgspec.Struct, frozen=True):
    """One session at one version. Times are epoch seconds."""

    sid: str
    sub: str
    version: int
    state: State
    idle_expires_at: float
    absolute_expires_at: float
    reason: str | None = None
    revoked: tuple[str, ...] = ()
    """What of its tokens is revoked while it lives: the `jti` of one, the `grant` of all that came of one."""


def from_event(payload: Mapping[str, object]) -> SessionState:
    """The state that a `session` event tells. Raises `msgspec.ValidationError` where it is not one."""
    return msgspec.convert(payload, SessionState)


def next_state(current: SessionState | None, told: SessionState) -> SessionState:
    """What is known after `told` arrives, in whatever order events and rebuilds come."""
    if current is None:
        return told
    if current.state == "ended":
        return current
    if told.state == "live" and told.version < current.version:
        return current
    return told
