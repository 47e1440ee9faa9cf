"""What is sent to the admin API and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from policy import artefact, casbin_lines
from policy.admin.problems import FaultEntry
from policy.artefact import ElevationRule, Name, NameOrAny, Organisation, Zone
from policy.request import AccessRequest
from policy.versions import State, Version

Why = Annotated[str, msgspec.Meta(min_length=3, max_length=1000)]


class DraftRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole policy; roles, zones, organisations and elevations that are left out stay as they are published."""

    why: Why
    rules: str
    """Casbin policy lines: `p, priority, id, role, organisation, zone, path, methods, condition, effect, obligations`
    and `g, role, inherited role, organisation`."""
    roles: tuple[Name, ...] | None = None
    zones: tuple[Zone, ...] | None = None
    organisations: dict[NameOrAny, Organisation] | None = None
    elevations: tuple[ElevationRule, ...] | None = None


class PublishRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why this draft is published now."""

    why: Why


class RollbackRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version is brought back, and why."""

    to: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    why: Why


class VersionEntry(msgspec.Struct, frozen=True):
    """A version without its contents."""

    number: int
    state: State
    sha256: str
    author: str
    why: str
    created_at: datetime
    publisher: str | None
    published_at: datetime | None
    restores: int | None

    @classmethod
    def of(cls, version: Version) -> VersionEntry:
        return cls(**{name: getattr(version, name) for name in cls.__struct_fields__})


class VersionList(msgspec.Struct, frozen=True):
    """Versions, the newest first."""

    versions: list[VersionEntry]
    next_before: int | None
    """Ask for `?before=` this for older ones; null: there are none."""


class VersionDocument(msgspec.Struct, frozen=True):
    """A version with its contents."""

    version: VersionEntry
    roles: tuple[str, ...]
    zones: tuple[Zone, ...]
    organisations: dict[str, Organisation]
    rules: str
    """Casbin policy lines, as `DraftRequest.rules` takes them."""
    signature: str | None
    elevations: tuple[ElevationRule, ...] = ()
    """Which roles may be asked for, for a time."""

    @classmethod
    def of(cls, version: Version) -> VersionDocument:
        policy = artefact.decode(version.artefact)
        lines = casbin_lines.of_policy(policy)
        entry = VersionEntry.of(version)
        return cls(entry, policy.roles, policy.zones, policy.organisations, lines, version.signature, policy.elevations)


class DraftAnswer(msgspec.Struct, frozen=True):
    """The draft, and what might be wrong with it."""

    version: VersionEntry
    warnings: tuple[FaultEntry, ...]


class ModelDocument(msgspec.Struct, frozen=True):
    """The language of rules."""

    casbin: str
    """The Casbin model."""
    names: dict[str, str]
    """What conditions may speak of, and the type of each."""
    levels: dict[str, int]
    """Names for the levels of a device."""
    effects: tuple[str, ...]


class ExplainRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A made-up or recorded request, and by which version it is decided; left out: by the published one."""

    request: AccessRequest
    version: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None
