"""What is asked and answered about decisions that were recorded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from policy.decision import Effect
from policy.explain.told import RecordedTold
from policy.reasons import Reason
from policy.recorded import Recorded
from policy.recording.finding import Found
from policy.replay import Counts, Fate, Group, Member
from policy.replaying import Replay, State

SHOWN = 1000
"""Groups, and people, of each list that are shown; the counts are of all."""


class DecisionEntry(msgspec.Struct, frozen=True):
    """One decision in a list."""

    id: str
    at: datetime
    effect: Effect
    reasons: tuple[Reason, ...]
    method: str
    path: str
    zone: str
    sub: str
    winner: str
    risk: int
    version: int
    address: str

    @classmethod
    def of(cls, one: Recorded) -> DecisionEntry:
        return cls(
            id=one.correlation_id,
            at=datetime.fromtimestamp(one.at, UTC),
            effect=one.effect,
            reasons=one.reasons,
            method=one.method,
            path=one.path,
            zone=one.zone,
            sub=one.sub,
            winner=one.winner,
            risk=one.risk,
            version=one.version,
            address=one.address,
        )


class DecisionList(msgspec.Struct, frozen=True):
    """Decisions, the newest first."""

    decisions: list[DecisionEntry]
    next: str | None
    """Ask for `?after=` this for older ones; null: there are none. A page may be short, or empty, and yet have more."""


class ReplayRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which recorded decisions are decided again."""

    why: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    since: datetime | None = None
    """Left out: as far back as they are kept."""
    until: datetime | None = None
    """Left out: now."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=100_000_000)] = 10_000_000
    """So many decisions at most."""
    against: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None
    """What they are compared with: this version's answers; left out: what was answered then."""


class ReplayGroup(msgspec.Struct, frozen=True):
    """Requests that would fare alike."""

    fate: Fate
    sub: str
    """`…`: of those that are beyond what is counted apart."""
    roles: tuple[str, ...]
    zone: str
    method: str
    """Of the first example, as is `path`."""
    path: str
    was: Effect
    would_be: Effect
    rule: str
    would_be_rule: str
    count: int
    example: str
    examples: list[str]


class CountsOf(msgspec.Struct, frozen=True):
    """How many requests of one person, role, zone or rule."""

    name: str
    lost: int
    gained: int
    asked_more: int
    changed: int


class ReplayTotals(msgspec.Struct, frozen=True):
    """How many requests in all."""

    lost: int
    gained: int
    asked_more: int
    changed: int
    same: int
    skipped: int
    """Recorded before records had what it takes to decide again."""


class ReplayDocument(msgspec.Struct, frozen=True):
    """A replay: how far it is, and what it found so far."""

    id: UUID
    version: int
    against: int | None
    state: State
    done: int
    of: int
    since: datetime
    until: datetime
    who: str
    why: str
    asked_at: datetime
    over_at: datetime | None
    trouble: str
    """Why it failed."""
    totals: ReplayTotals
    lost: list[ReplayGroup]
    gained: list[ReplayGroup]
    changed: list[ReplayGroup]
    """Also those that would be asked for more; `fate` says which."""
    people: list[CountsOf]
    roles: list[CountsOf]
    zones: list[CountsOf]
    rules: list[CountsOf]
    """By the rule that would decide; an empty name: none would."""

    @classmethod
    def of_job(cls, job: Replay) -> ReplayDocument:
        found = job.findings
        groups = [_group(group, member) for group, member in found.groups]
        counts = found.totals
        return cls(
            id=job.id,
            version=job.version,
            against=job.against,
            state=job.state,
            done=job.done,
            of=job.of,
            since=job.since,
            until=job.until,
            who=job.who,
            why=job.why,
            asked_at=job.asked_at,
            over_at=job.over_at,
            trouble=job.trouble,
            totals=ReplayTotals(
                counts.lost, counts.gained, counts.asked_more, counts.changed, found.same, found.skipped
            ),
            lost=[one for one in groups if one.fate is Fate.LOST][:SHOWN],
            gained=[one for one in groups if one.fate is Fate.GAINED][:SHOWN],
            changed=[one for one in groups if one.fate in (Fate.CHANGED, Fate.ASKED_MORE)][:SHOWN],
            people=_counts(found.people),
            roles=_counts(found.roles),
            zones=_counts(found.zones),
            rules=_counts(found.rules),
        )


def _group(group: Group, member: Member) -> ReplayGroup:
    method, _, path = member.requests[0].partition(" ")
    return ReplayGroup(
        fate=group.fate,
        sub=group.sub,
        roles=group.roles,
        zone=group.zone,
        method=method,
        path=path,
        was=group.was,
        would_be=group.would_be,
        rule=group.rule,
        would_be_rule=group.would_be_rule,
        count=member.count,
        example=member.examples[0],
        examples=member.examples,
    )


def _counts(of: dict[str, Counts]) -> list[CountsOf]:
    told = [CountsOf(name, one.lost, one.gained, one.asked_more, one.changed) for name, one in of.items()]
    return sorted(told, key=lambda one: (-one.lost, -one.asked_more, -one.gained, one.name))[:SHOWN]


def told_of(found: Found, reproduced: bool | None) -> RecordedTold:
    """The record, as an explanation names it."""
    one = found.recorded
    return RecordedTold(
        id=one.correlation_id,
        at=datetime.fromtimestamp(one.at, UTC),
        effect=one.effect,
        reasons=one.reasons,
        version=one.version,
        winner=one.winner,
        method=one.method,
        path=one.path,
        route=one.route,
        zone=one.zone,
        sub=one.sub,
        org=one.org,
        address=one.address,
        segment=found.segment,
        sequence=found.sequence,
        seal=found.seal,
        reproduced=reproduced,
        limited=one.limited,
    )
