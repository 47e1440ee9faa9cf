"""What the API says and asks of resets that take two administrators."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from idp.administration.documents import Why
from idp.credentials.assisted_reset import ResetState


class Who(Struct, frozen=True):
    """A person, and what they are called."""

    id: UUID
    display_name: str


class ResetEntry(Struct, frozen=True, kw_only=True):
    """One reset."""

    id: UUID
    version: int
    person: Who
    state: ResetState
    """`asked`: another administrator may agree; `approved`: the code works; the others are over."""
    why: str
    asked_by: Who
    asked_at: datetime
    decided_by: Who | None
    decided_why: str
    decided_at: datetime | None
    expires_at: datetime
    """Until when somebody may agree, or the code works."""
    ended_at: datetime | None
    may_approve: bool
    """Whether the caller may: they are neither the person nor whoever asked."""


class ResetList(Struct, frozen=True):
    resets: tuple[ResetEntry, ...]
    next: str | None


class ResetAsked(Struct, frozen=True):
    """A reset that was asked for just now."""

    reset: ResetEntry
    code: str
    """Shown this once, to be told to the person by phone. It works when another administrator has agreed."""


class ResetDecision(Struct, frozen=True, forbid_unknown_fields=True):
    why: Why
    version: int
    """As it was read."""
