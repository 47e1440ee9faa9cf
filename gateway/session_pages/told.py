"""What the page script and the page of an ended session are told, as plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.callers.identity import Identity
from gateway.callers.mark import opaque, person_mark
from gateway.routes.route_table import Warn, WarnBy
from gateway.sessions.near_cache import EndedSession, LiveSession


class Attempt(msgspec.Struct, frozen=True):
    """The payload of topic `attempt`, as docs/house.md has it."""

    sid: str
    at: float
    outcome: str = ""
    device: str = ""
    browser: str = ""
    place: str = ""
    network: str = ""


def ended(session: EndedSession) -> dict[str, Any]:
    """An end: why, when, and from which device, browser and place."""
    by = session.ended_by or {}
    return {
        "state": "ended",
        "session": opaque("session", session.sid),
        "reason": session.reason,
        "at": _moment(session.at),
        "device": _system(by.get("device", ""), by.get("browser", "")),
        "browser": by.get("browser", ""),
        "place": by.get("place", ""),
        "network": by.get("network", ""),
    }


def live(
    session: LiveSession,
    identity: Identity,
    authority: str,
    *,
    now: float,
    idle_timeout: float,
    ask_before: float,
) -> dict[str, Any]:
    """A session that lives: seconds left, when the page should ask for more, and whose it is.

    `person` and `session` are opaque and tell this host's pages nothing but whether they are the same as before.
    """
    return {
        "state": "live",
        "left": round(max(0.0, session.expires_at - now), 3),
        "absolute_left": round(max(0.0, session.absolute_expires_at - now), 3),
        "idle_for": round(max(0.0, idle_timeout - (session.idle_expires_at - now)), 3),
        "ask_before": ask_before,
        "session": opaque("session", session.sid),
        "person": person_mark(authority, identity.subject.id),
    }


def sign_in(identity: Identity) -> str:
    """Which sign-in a page stands on: another one after each new authentication, the same while tokens are renewed."""
    return opaque("sign-in", identity.sid, identity.acr, str(identity.subject.authenticated_at))


def warning(warn: Warn | None, warn_before: float) -> dict[str, float]:
    """When a page warns: so long before the end, and, where its zone says so, after so long without activity."""
    if warn is None:
        return {"warn_before": warn_before, "warn_after_idle": 0.0}
    if warn.by is WarnBy.BEFORE:
        return {"warn_before": warn.seconds, "warn_after_idle": 0.0}
    return {"warn_before": warn_before, "warn_after_idle": warn.seconds}


def attempt(payload: Attempt) -> dict[str, Any]:
    """A sign-in elsewhere that met this session and left it as it is; `id` tells it from others."""
    return {
        "state": "attempt",
        "id": opaque("attempt", payload.sid, repr(payload.at), payload.outcome),
        "outcome": payload.outcome,
        "device": _system(payload.device, payload.browser),
        "browser": payload.browser,
        "place": payload.place,
        "network": payload.network,
        "at": _moment(payload.at),
    }


def _system(label: str, browser: str) -> str:
    """The device without its browser, which is told beside it: a label is "Chrome · Windows"."""
    return "" if label == browser else label.removeprefix(f"{browser} · ")


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
