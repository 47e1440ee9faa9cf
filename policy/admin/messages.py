"""What is sent to the admin API and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from policy import artefact, casbin_lines
from policy.admin.problems import FaultEntry
from policy.approvals import Approval
from policy.artefact import Band, ElevationRule, Flow, Name, NameOrAny, Organisation, Policy, PolicyTest, Zone
from policy.casbin_lines import Lines
from policy.history import Deed
from policy.request import AccessRequest, Facts, Subject
from policy.shadow import Shadow
from policy.versions import State, Version

Why = Annotated[str, msgspec.Meta(min_length=3, max_length=1000)]


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole policy; parts that are left out stay as they are: in the draft that it is an edit of, or as published.

    Each part but `rules` is named as in `Policy`.
    """

    rules: str
    """Casbin policy lines: `p, priority, id, role, organisation, zone, path, methods, condition, effect, obligations`
    and `g, role, inherited role, organisation`."""
    roles: tuple[Name, ...] | None = None
    zones: tuple[Zone, ...] | None = None
    organisations: dict[NameOrAny, Organisation] | None = None
    bands: tuple[Band, ...] | None = None
    flows: tuple[Flow, ...] | None = None
    elevations: tuple[ElevationRule, ...] | None = None
    tests: tuple[PolicyTest, ...] | None = None
    """Made-up requests with what must be answered to them, or the policy is not published."""

    def completed(self, lines: Lines, base: Policy) -> Policy:
        """The policy that was sent, with what it leaves out taken from another."""
        sent = {name: getattr(self, name) for name in Proposal.__struct_fields__ if name != "rules"}
        given = {name: part for name, part in sent.items() if part is not None}
        return msgspec.structs.replace(
            base,
            rules=lines.rules,
            inheritance=lines.inheritance,
            assignments=lines.assignments,
            resources=lines.resources,
            **given,
        )


class DraftRequest(Proposal, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A policy to be stored, and why."""

    why: Why


class TrialRequest(Proposal, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A policy to be looked at only; the body of a draft will do."""

    why: str = ""
    version: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None
    """The version that parts which are left out are taken from; left out: the published one."""


class PublishRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why this draft is published now."""

    why: Why
    confirm: Annotated[tuple[Name, ...], msgspec.Meta(max_length=1000)] = ()
    """Zones that nobody is let into any more, and programs that publish no more, where that is meant."""


class ReasonRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why something is done."""

    why: Why


class ShadowRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of the live traffic is decided a second time, and for how long."""

    why: Why
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1
    seconds: Annotated[int, msgspec.Meta(ge=10, le=7 * 86_400)] = 3600


class RollbackRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version is brought back, and why."""

    to: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    why: Why
    confirm: Annotated[tuple[Name, ...], msgspec.Meta(max_length=1000)] = ()
    """As in `PublishRequest`."""


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

    @property
    def next(self) -> int | None:
        """As other lists name their next page."""
        return self.next_before


class ApprovalEntry(msgspec.Struct, frozen=True):
    """Somebody's word that a draft may be published as it is now."""

    who: str
    why: str
    at: datetime


class ApprovalState(msgspec.Struct, frozen=True):
    """Who approved a version as it is now."""

    needed: int
    """How many approvals by somebody else than its authors it takes to publish it."""
    approvals: tuple[ApprovalEntry, ...]

    @classmethod
    def of(cls, found: Sequence[Approval], sha256: str, needed: int) -> ApprovalState:
        valid = (each for each in found if each.sha256 == sha256)
        return cls(needed, tuple(ApprovalEntry(each.who, each.why, each.at) for each in valid))


class ShadowState(msgspec.Struct, frozen=True):
    """Whether live requests are decided by a version, too."""

    running: bool
    share: float
    since: datetime
    until: datetime

    @classmethod
    def of(cls, shadow: Shadow, now: datetime) -> ShadowState:
        return cls(shadow.running(now), shadow.share, shadow.since, shadow.ended_at or shadow.until)


class VersionDocument(msgspec.Struct, frozen=True):
    """A version with its contents."""

    version: VersionEntry
    roles: tuple[str, ...]
    zones: tuple[Zone, ...]
    organisations: dict[str, Organisation]
    rules: str
    """Casbin policy lines, as `DraftRequest.rules` takes them."""
    signature: str | None
    tests: tuple[PolicyTest, ...]
    approvals: ApprovalState
    shadow: ShadowState | None
    """The last time that it shadowed live traffic; null: it never did."""
    bands: tuple[Band, ...] = ()
    flows: tuple[Flow, ...] = ()
    elevations: tuple[ElevationRule, ...] = ()
    """Which roles may be asked for, for a time."""

    @classmethod
    def of(cls, version: Version, approvals: ApprovalState, shadow: ShadowState | None) -> VersionDocument:
        policy = artefact.decode(version.artefact)
        return cls(
            VersionEntry.of(version),
            policy.roles,
            policy.zones,
            policy.organisations,
            casbin_lines.of_policy(policy),
            version.signature,
            policy.tests,
            approvals,
            shadow,
            policy.bands,
            policy.flows,
            policy.elevations,
        )


class DraftAnswer(msgspec.Struct, frozen=True):
    """The draft, and what might be wrong with it."""

    version: VersionEntry
    warnings: tuple[FaultEntry, ...]


class LintAnswer(msgspec.Struct, frozen=True):
    """Everything that is found in a policy."""

    findings: tuple[FaultEntry, ...]


class HistoryEntry(msgspec.Struct, frozen=True):
    """One thing that was done to the policy."""

    at: datetime
    who: str
    why: str
    act: Deed
    version: int
    sha256: str
    details: dict[str, Any]
    """What else there is to know: `changes` in short, what it `replaces` or `restores`, what was `confirmed`."""


class HistoryPage(msgspec.Struct, frozen=True):
    """What was done, the newest first."""

    entries: tuple[HistoryEntry, ...]
    next: str | None
    """Ask for `?after=` this for what was done before; null: there is nothing."""


class ModelDocument(msgspec.Struct, frozen=True):
    """The language of rules."""

    casbin: str
    """The Casbin model."""
    names: dict[str, str]
    """What conditions may speak of, and the type of each."""
    levels: dict[str, int]
    """Names for the levels of a device."""
    effects: tuple[str, ...]


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A made-up request. Whatever is left out is unknown."""

    zone: str
    path: str = "/"
    method: str = "GET"
    subject: Subject = Subject()
    facts: Facts = Facts()
    at: float | None = None
    """Epoch seconds; left out: now."""

    def request(self, now: float) -> AccessRequest:
        """It as a request of this moment."""
        at = now if self.at is None else self.at
        return AccessRequest(self.subject, self.facts, self.zone, self.method, self.path, at)


class ExplainRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A made-up request, and by which version it is decided; left out: by the published one."""

    request: Question
    version: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None
