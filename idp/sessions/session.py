"""A session as a value, and the rules of its times: pure, decided at a moment that is passed in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from idp.protocol.assurance import MULTIPLE_FACTORS, acr
from idp.sessions.revoked_tokens import RevokedTokens, not_over, revoked_besides

EndReason = Literal[
    "sign_out",
    "takeover",
    "administrator",
    "response",
    "idle",
    "absolute",
    "password_change",
    "account_lock",
    "device_removal",
    "refresh_reuse",
]

WORTH_TELLING = timedelta(seconds=20)
"""An extension by more than this is told at once; a smaller one waits until it has been held for as long."""
LAST_MINUTES = timedelta(minutes=3)
"""So near to the end every extension is told at once, so that 30 minutes are 30 minutes (S6)."""


ON_ITS_WAY = timedelta(seconds=2)
"""So long after the idle limit an act from before it still counts: a gateway has answered that it does, and the news of
it is on its way here. Requests are refused at the limit all the same, and an end that was written is the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """The browser and the place at the other end of a login: what is shown of a session, and of who ended one."""

    device_id: UUID | None
    device_label: str
    browser: str
    ip: str
    place: str
    """A code (`config.places`)."""
    network: str = ""
    """The name of the autonomous system, or empty."""

    def told(self) -> dict[str, str]:
        """What the person of the other session is told (`ended_by` of a session event)."""
        return {"device": self.device_label, "browser": self.browser, "place": self.place, "ip": self.ip}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimes:
    """How long sessions live."""

    idle_timeout: timedelta
    absolute_lifetime: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session of one person."""

    sid: str
    user_id: UUID
    organisation_id: UUID
    version: int
    cookie_hash: bytes
    """SHA-256 of the browser's session cookie."""
    visitor: Visitor
    amr: tuple[str, ...]
    acr: str
    authenticated_at: datetime
    created_at: datetime
    last_activity_at: datetime
    idle_expires_at: datetime
    """Never after `absolute_expires_at`."""
    absolute_expires_at: datetime
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    ended_by: dict[str, str] | None = None
    revoked_tokens: RevokedTokens = field(default_factory=dict)

    def expiry(self, now: datetime) -> EndReason | None:
        """Why this session is over at `now` although nobody has ended it; it lives until just before its limit."""
        if now < self.idle_expires_at:
            return None
        # found only after both limits it still ended at the earlier one
        return "absolute" if self.idle_expires_at >= self.absolute_expires_at else "idle"

    def lives(self, now: datetime) -> bool:
        """Whether this session is live at `now`."""
        return self.ended_at is None and self.expiry(now) is None

    def ended(self, reason: EndReason, ended_by: dict[str, str] | None, now: datetime) -> Session:
        """This session after its end. One that expired before anybody noticed ended at its limit, for that reason."""
        if self.ended_at is not None:
            raise ValueError("an end is the end")
        overdue = self.expiry(now)
        if overdue is not None:
            reason, ended_by, now = overdue, None, min(now, self.idle_expires_at)
        return replace(
            self,
            version=self.version + 1,
            ended_at=max(now, self.created_at),
            end_reason=reason,
            ended_by=ended_by,
            revoked_tokens={},
        )

    def touched(self, at: datetime, now: datetime, times: SessionTimes) -> Session | None:
        """This session after activity at `at`: it lives until then + the idle timeout, capped; `None` if nothing moves.

        Activity from the future (a clock that runs ahead) counts as now; activity never shortens, and never revives:
        it was while the session lived, and is heard of before anybody ended it, `ON_ITS_WAY` after the limit at most.
        """
        at = min(at, now)
        until = min(at + times.idle_timeout, self.absolute_expires_at)
        if not self.lives(at) or now >= self.idle_expires_at + ON_ITS_WAY or now >= self.absolute_expires_at:
            return None
        if until <= self.idle_expires_at:
            return None
        return replace(
            self,
            version=self.version + 1,
            last_activity_at=max(at, self.last_activity_at),
            idle_expires_at=until,
            revoked_tokens=not_over(self.revoked_tokens, now),
        )

    def proven(self, *, cookie_hash: bytes, amr: tuple[str, ...], acr: str, authenticated_at: datetime) -> Session:
        """This session after its person proved again who they are; its browser gets a new cookie for it."""
        return replace(
            self,
            version=self.version + 1,
            cookie_hash=cookie_hash,
            amr=amr,
            acr=acr,
            authenticated_at=authenticated_at,
        )

    def weakened(self) -> Session:
        """This session with one factor only, however many were proven in it."""
        amr = tuple(method for method in self.amr if method != MULTIPLE_FACTORS)
        return replace(self, version=self.version + 1, amr=amr, acr=acr(amr))

    def without(self, name: str, over_at: int, now: datetime) -> Session | None:
        """This session once a token of it, or all of a grant, is revoked; None where so many are that it must end."""
        revoked = revoked_besides(self.revoked_tokens, name, over_at, now)
        return None if revoked is None else replace(self, version=self.version + 1, revoked_tokens=revoked)

    def must_tell(self, after: Session, held: timedelta, now: datetime) -> bool:
        """Whether the extension from this to `after` is written now, or may wait for more; `held`: since it came."""
        return (
            after.idle_expires_at - self.idle_expires_at > WORTH_TELLING
            or held >= WORTH_TELLING
            or self.idle_expires_at - now <= LAST_MINUTES
        )

    def event(self) -> dict[str, object]:
        """The payload of the event `session` (docs/house.md, "Session events")."""
        return {
            "sid": self.sid,
            "sub": str(self.user_id),
            "version": self.version,
            "state": "live" if self.ended_at is None else "ended",
            "idle_expires_at": self.idle_expires_at.timestamp(),
            "absolute_expires_at": self.absolute_expires_at.timestamp(),
            "reason": self.end_reason,
            "ended_by": self.ended_by,
            "revoked": sorted(self.revoked_tokens),
            "at": (self.ended_at or self.last_activity_at).timestamp(),
        }


def is_elsewhere(session: Session, device_id: UUID | None, ip: str) -> bool:
    """Whether a login comes from another device or address than the session's (S2); an unknown device is another."""
    return device_id is None or device_id != session.visitor.device_id or ip != session.visitor.ip
