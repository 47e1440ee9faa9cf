"""What the API says to support, and what support asks of it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from idp.administration.documents import Why
from idp.directory.account import AccountState, LockReason
from idp.rollout.support import LastAttempt, MeetsPhase, Possible, SetUp


class SupportEntry(Struct, frozen=True, kw_only=True):
    """A person in a list."""

    id: UUID
    display_name: str
    login_name: str
    state: AccountState


class SupportList(Struct, frozen=True):
    people: tuple[SupportEntry, ...]
    next: str | None


class SupportDocument(Struct, frozen=True, kw_only=True):
    """One person, as far as it takes to help them. Each look is on record."""

    id: UUID
    display_name: str
    login_names: tuple[str, ...]
    email: str
    """As much as it takes to ask whether it is theirs: `m***@example.com`; empty: none, or not shown."""
    locale: str
    state: AccountState
    lock_reason: LockReason | None
    live: bool
    """Whether they have a session in an organisation of the caller's."""
    whole: bool
    """Whether all their organisations are the caller's; otherwise mail, factors and attempts are left out."""
    set_up: tuple[SetUp, ...]
    phases: tuple[MeetsPhase, ...]
    attempts: tuple[LastAttempt, ...]
    """The newest first."""
    acts: tuple[Possible, ...]


class AskedForPhase(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Have a person written of a phase again."""

    why: Why
    phase_id: UUID


class AskedException(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Ask an administrator to except a person from a phase, for at most 90 days."""

    why: Why
    phase_id: UUID
    until: datetime


class ExceptionAsked(Struct, frozen=True, kw_only=True):
    """An exception that was asked for."""

    id: UUID
    phase_id: UUID
    user_id: UUID
    display_name: str
    until: datetime
    why: str
    who: str
    asked_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    granted: bool | None


class ExceptionsAsked(Struct, frozen=True):
    requests: tuple[ExceptionAsked, ...]
    next: str | None


class Decision(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What an administrator decides of it."""

    why: Why
    grant: bool
