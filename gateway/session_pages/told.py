"""What the page script and the page of an ended session are told, as plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.sessions.near_cache import EndedSession, LiveSession

ASK_BEFORE = 1 / 6
"""The share of the idle timeout before its end in which a page asks for extension by itself: 5 of 30 minutes."""


def ended(session: EndedSession) -> dict[str, Any]:
    """An end: why, when, and from which device, browser and place."""
    by = session.ended_by or {}
    return {
        "state": "ended",
        "reason": session.reason,
        "at": datetime.fromtimestamp(session.at, UTC).isoformat(timespec="seconds"),
        "device": by.get("device", ""),
        "browser": by.get("browser", ""),
        "place": by.get("place", ""),
    }


def live(session: LiveSession, *, now: float, warn_before: float, idle_timeout: float) -> dict[str, Any]:
    """A session that lives: seconds left, and when the page should ask for more and warn."""
    return {
        "state": "live",
        "left": round(max(0.0, session.expires_at() - now), 3),
        "absolute_left": round(max(0.0, session.absolute_expires_at - now), 3),
        "warn_before": warn_before,
        "ask_before": max(idle_timeout * ASK_BEFORE, warn_before),
    }
