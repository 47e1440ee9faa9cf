"""The life of a product as its API asks for it and shows it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec

from upstreams.commerce.endpoints.product_documents import Note

Role = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


Number = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,4}([.][0-9]{1,4}){0,3}$")]


class AskedTransition(msgspec.Struct, forbid_unknown_fields=True):
    """Where to go."""

    to: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z_]{0,31}$")]
    notes: Note = ""


class AskedPlan(msgspec.Struct, forbid_unknown_fields=True):
    """When the launch is planned, and when a worker does it by itself."""

    planned_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    due_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class AskedNote(msgspec.Struct, forbid_unknown_fields=True):
    """Something that happened."""

    notes: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class AskedVersion(msgspec.Struct, forbid_unknown_fields=True):
    """A version of the product as it is now."""

    number: Number
    description: Note = ""


class AskedAssignment(msgspec.Struct, forbid_unknown_fields=True):
    """Somebody who is to work on it."""

    member: UUID
    role: Role
    assigned_on: date


class AskedEnd(msgspec.Struct, forbid_unknown_fields=True):
    """The last day of an assignment."""

    until: date


class LifeDocument(msgspec.Struct):
    """Where a product is in its life."""

    product: UUID
    state: str
    follows: list[str]
    version: int
    created_at: datetime
    planned_launch_at: datetime | None
    launch_due_at: datetime | None
    launched_at: datetime | None
    ended_at: datetime | None


class EventDocument(msgspec.Struct):
    """Something that happened; a note has both states alike."""

    id: int
    from_state: str | None
    to_state: str
    notes: str
    actor: UUID | None
    at: datetime


class EventPage(msgspec.Struct):
    """What happened, the first first."""

    events: list[EventDocument]
    next: int | None


class VersionDocument(msgspec.Struct):
    """A version; `snapshot` is what the product was."""

    id: UUID
    number: str
    description: str
    snapshot: dict[str, Any]
    created_at: datetime
    created_by: UUID | None
    released_at: datetime | None


class VersionPage(msgspec.Struct):
    """Versions, the newest first."""

    versions: list[VersionDocument]


class ChangeDocument(msgspec.Struct):
    """What differs at one place."""

    path: str
    before: Any
    after: Any


class Difference(msgspec.Struct):
    """What changed between two versions."""

    before: str
    after: str
    changes: list[ChangeDocument]


class StayDocument(msgspec.Struct):
    """A time in one state, in seconds."""

    state: str
    since: datetime
    until: datetime | None
    seconds: float


class TimesDocument(msgspec.Struct):
    """How long it took; `launch_delay` in seconds, below 0 where it came early."""

    stays: list[StayDocument]
    seconds: dict[str, float]
    launch_delay: float | None


class AssignmentDocument(msgspec.Struct):
    """Somebody at work."""

    id: UUID
    member: UUID
    name: str
    role: str
    assigned_on: date
    until: date | None


class TeamDocument(msgspec.Struct):
    """Who works on it, and who did."""

    team: list[AssignmentDocument]
