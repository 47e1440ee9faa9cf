"""The session of a program as a value, and its rules: pure, decided at a moment that is passed in.

It is no user session: nobody signed in, no browser holds it, and S1 and S2 say nothing of it. What it shares with one
is its end: S3, S4, S5 and S7 hold word for word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from idp.sessions.revoked_tokens import RevokedTokens, revoked_besides

MachineEndReason = Literal["administrator", "absolute", "client_disabled", "client_credentials_replaced", "revoked"]
"""`revoked`: the client revoked more tokens one by one than are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSession:
    """The one session of one client. It has no idle clock: a program is not away from its keyboard."""

    sid: str
    client_id: str
    version: int
    created_at: datetime
    expires_at: datetime
    revoked_tokens: RevokedTokens
    ended_at: datetime | None = None
    end_reason: MachineEndReason | None = None

    def lives(self, now: datetime) -> bool:
        """Whether it is live at `now`; it lives until just before its limit."""
        return self.ended_at is None and now < self.expires_at

    def ended(self, reason: MachineEndReason, now: datetime) -> MachineSession:
        """This session after its end. One that expired before anybody noticed ended at its limit."""
        if self.ended_at is not None:
            raise ValueError("an end is the end")
        if now >= self.expires_at:
            reason, now = "absolute", self.expires_at
        return replace(self, version=self.version + 1, ended_at=max(now, self.created_at), end_reason=reason)

    def without(self, jti: str, over_at: int, now: datetime) -> MachineSession | None:
        """This session once a token of it is revoked; None where so many are that it must end instead."""
        revoked = revoked_besides(self.revoked_tokens, jti, over_at, now)
        return None if revoked is None else replace(self, version=self.version + 1, revoked_tokens=revoked)

    def event(self) -> dict[str, object]:
        """The payload of the event `session` (docs/house.md, "Session events")."""
        expires_at = self.expires_at.timestamp()
        return {
            "sid": self.sid,
            "sub": self.client_id,
            "version": self.version,
            "state": "live" if self.ended_at is None else "ended",
            "idle_expires_at": expires_at,
            "absolute_expires_at": expires_at,
            "reason": self.end_reason,
            "ended_by": None,
            "revoked": sorted(self.revoked_tokens),
            "at": (self.ended_at or self.created_at).timestamp(),
        }
