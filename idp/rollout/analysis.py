"""How an organisation's people sign in today, how strongly they could, and whom the programme would meet (D1).

Counted are accounts that may sign in. A person of several organisations counts once in the whole and once in each.
Who is at risk is what cohorts mean by it (`idp.rollout.cohorts`), so that what is found here can be led by a phase.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol, get_args
from uuid import UUID

from msgspec import Struct

from config.connections import Transaction
from idp.rollout.cohorts import Risk, Rule
from idp.rollout.methods import READINESS, STRENGTH_OF, Failure, Method, Readiness, Strength
from idp.rollout.phases import Phase, PhaseState
from idp.rollout.programme import Preview

DAYS: Final = 30
MOST_DAYS: Final = 180
"""The history of sign-ins goes back no further."""
STALE: Final = timedelta(days=90)
By = Literal["all", "organisation", "role", "risk"]
HashState = Literal["today", "outdated", "kept", "wrapped", "none"]
"""`today`: argon2id as new passwords get it. `outdated`: argon2id of other parameters. `kept`: another system's, strong
enough to lie as it came. `wrapped`: another system's weak one, with argon2id over it. `none`: no password here."""
OLD_HASHES: Final[frozenset[HashState]] = frozenset({"outdated", "kept", "wrapped"})
Values = dict[str, str | int | float]
Idle = Literal["month", "quarter", "half_year", "longer", "never"]
"""Last seen within 30, 90 or 180 days, earlier, or never (or so long ago that nothing is kept of it)."""
IDLE: Final[tuple[Idle, ...]] = get_args(Idle)


class Group(Struct, frozen=True, kw_only=True):
    """Some people, by the strongest way that they could sign in by."""

    by: By
    key: str
    """The organisation's id, the role, or the risk; empty of all, and of people without a role."""
    name: str
    """An organisation's name; otherwise the key."""
    people: int
    ready: Mapping[Readiness, int]

    def share(self, readiness: Readiness) -> float:
        """How many of them, between 0 and 1."""
        return self.ready.get(readiness, 0) / self.people if self.people else 0.0


class MethodRow(Struct, frozen=True, kw_only=True):
    """What was signed in by."""

    method: Method
    strength: Strength
    sign_ins: int
    people: int
    median_seconds: float | None
    """From the first page until the session began; None: not known."""


class FailureRow(Struct, frozen=True, kw_only=True):
    why: Failure
    attempts: int
    people: int


class HashRow(Struct, frozen=True, kw_only=True):
    scheme: str
    """`argon2id`, or the scheme of the other system; empty where there is no password."""
    state: HashState
    people: int


class IdleRow(Struct, frozen=True, kw_only=True):
    idle: Idle
    people: int


class PhaseHit(Struct, frozen=True, kw_only=True):
    """Whom a phase reaches, or would reach, and how many of them have what it asks for."""

    programme_id: UUID
    programme: str
    phase_id: UUID
    name: Mapping[str, str]
    state: PhaseState
    people: int
    ready: int


class Finding(Struct, frozen=True, kw_only=True):
    """What a chart shows, in a sentence whose words are by its code."""

    about: Literal["strength", "role", "risk", "methods", "failures", "hashes", "idle", "phases"]
    code: str
    values: Mapping[str, str | int | float] = {}
    """Shares are between 0 and 1."""


class Analysis(Struct, frozen=True, kw_only=True):
    """All of it, at one moment."""

    at: datetime
    days: int
    """So far back sign-ins count."""
    people: int
    locked: int
    """Accounts that may not sign in; they are counted nowhere else."""
    groups: tuple[Group, ...]
    methods: tuple[MethodRow, ...]
    failures: tuple[FailureRow, ...]
    hashes: tuple[HashRow, ...]
    idle: tuple[IdleRow, ...]
    phases: tuple[PhaseHit, ...]
    findings: tuple[Finding, ...]


class Counts(Protocol):
    """Where all of this is counted, within some organisations."""

    async def people(self, tx: Transaction, scope: Collection[UUID]) -> tuple[int, int]:
        """How many may sign in, and how many may not."""

    async def groups(self, tx: Transaction, scope: Collection[UUID], now: datetime) -> Sequence[Group]:
        """Everybody, and by organisation, role and risk."""

    async def methods(self, tx: Transaction, scope: Collection[UUID], since: datetime) -> Sequence[MethodRow]:
        """What was signed in by."""

    async def failures(self, tx: Transaction, scope: Collection[UUID], since: datetime) -> Sequence[FailureRow]:
        """Why attempts came to nothing."""

    async def hashes(self, tx: Transaction, scope: Collection[UUID]) -> Sequence[HashRow]:
        """How passwords lie."""

    async def idle(self, tx: Transaction, scope: Collection[UUID], now: datetime) -> Sequence[IdleRow]:
        """When people were last seen."""


@dataclass(frozen=True, slots=True)
class PlannedPhase:
    """A phase with what it is of, and whom it is for."""

    programme: str
    organisation_id: UUID
    phase: Phase
    rule: Rule


class Phases(Protocol):
    """Where phases are known, and whom they reach."""

    async def planned(self, tx: Transaction, scope: Collection[UUID]) -> Sequence[PlannedPhase]:
        """The phases of all programmes of these organisations that are not over, in order."""

    async def preview(
        self, tx: Transaction, organisation_id: UUID, rule: Rule, phase: Phase | None, now: datetime, limit: int
    ) -> Preview:
        """Whom a phase reaches."""


@dataclass(frozen=True, slots=True)
class Analyses:
    """Makes an analysis."""

    counts: Counts
    phases: Phases

    async def make(self, tx: Transaction, scope: Collection[UUID], days: int, now: datetime) -> Analysis:
        """How these organisations' people sign in; `days`: so far back, at most `MOST_DAYS`."""
        since = now - timedelta(days=days)
        people, locked = await self.counts.people(tx, scope)
        found = Analysis(
            at=now,
            days=days,
            people=people,
            locked=locked,
            groups=tuple(await self.counts.groups(tx, scope, now)),
            methods=tuple(await self.counts.methods(tx, scope, since)),
            failures=tuple(await self.counts.failures(tx, scope, since)),
            hashes=tuple(await self.counts.hashes(tx, scope)),
            idle=tuple(await self.counts.idle(tx, scope, now)),
            phases=tuple([await self._hit(tx, planned, now) for planned in await self.phases.planned(tx, scope)]),
            findings=(),
        )
        return with_findings(found)

    async def _hit(self, tx: Transaction, planned: PlannedPhase, now: datetime) -> PhaseHit:
        phase = planned.phase
        seen = await self.phases.preview(tx, planned.organisation_id, planned.rule, phase, now, 0)
        return PhaseHit(
            programme_id=phase.programme_id,
            programme=planned.programme,
            phase_id=phase.id,
            name=phase.name,
            state=phase.state,
            people=seen.total,
            ready=seen.ready,
        )


def group(by: By, key: str, name: str, ready: Mapping[Readiness, int]) -> Group:
    """People counted by what they could sign in by; every word of the vocabulary is there."""
    whole = {one: ready.get(one, 0) for one in READINESS}
    return Group(by=by, key=key, name=name, people=sum(whole.values()), ready=whole)


def method_row(method: Method, sign_ins: int, people: int, median_seconds: float | None) -> MethodRow:
    """With its strength."""
    strength = STRENGTH_OF[method]
    return MethodRow(method=method, strength=strength, sign_ins=sign_ins, people=people, median_seconds=median_seconds)


def with_findings(one: Analysis) -> Analysis:
    """With what each of its charts shows."""
    findings = [
        _of_strength(one),
        _of_roles(one),
        _of_risks(one),
        _of_methods(one),
        _of_failures(one),
        _of_hashes(one),
        _of_idle(one),
        _of_phases(one),
    ]
    return Analysis(
        **{name: getattr(one, name) for name in Analysis.__struct_fields__ if name != "findings"},
        findings=tuple(findings),
    )


def _of_strength(one: Analysis) -> Finding:
    everybody = next((found for found in one.groups if found.by == "all"), None)
    if everybody is None or not everybody.people:
        return Finding(about="strength", code="nobody")
    alone = everybody.ready["password_alone"]
    if not alone:
        return Finding(about="strength", code="no_password_alone", values={"people": everybody.people})
    values: Values = {"share": everybody.share("password_alone"), "count": alone, "people": everybody.people}
    return Finding(about="strength", code="password_alone", values=values)


def _of_roles(one: Analysis) -> Finding:
    roles = [found for found in one.groups if found.by == "role" and found.people]
    if not roles:
        return Finding(about="role", code="nobody")
    weakest = max(roles, key=lambda found: (found.share("password_alone"), found.people))
    if not weakest.ready["password_alone"]:
        return Finding(about="role", code="no_password_alone", values={"people": one.people})
    values: Values = {
        "role": weakest.key,
        "share": weakest.share("password_alone"),
        "count": weakest.ready["password_alone"],
    }
    return Finding(about="role", code="weakest_role" if weakest.key else "weakest_without_role", values=values)


_URGENT: Final[tuple[Risk, ...]] = ("administrator", "recent_failures", "legacy_hash")
"""Where a password alone is worst, the worst first."""


def _of_risks(one: Analysis) -> Finding:
    by_risk = {found.key: found.ready["password_alone"] for found in one.groups if found.by == "risk"}
    for risk in _URGENT:
        if by_risk.get(risk):
            return Finding(about="risk", code=f"exposed_{risk}", values={"count": by_risk[risk]})
    return Finding(about="risk", code="none_exposed")


def _of_methods(one: Analysis) -> Finding:
    total = sum(row.sign_ins for row in one.methods)
    if not total:
        return Finding(about="methods", code="nobody_signed_in", values={"days": one.days})
    most = max(one.methods, key=lambda row: row.sign_ins)
    values: Values = {"method": most.method, "share": most.sign_ins / total, "days": one.days}
    return Finding(about="methods", code="most_used", values=values)


def _of_failures(one: Analysis) -> Finding:
    total = sum(row.attempts for row in one.failures)
    if not total:
        return Finding(about="failures", code="none_failed", values={"days": one.days})
    most = max(one.failures, key=lambda row: row.attempts)
    values: Values = {"why": most.why, "share": most.attempts / total, "count": total, "days": one.days}
    return Finding(about="failures", code="most_failed", values=values)


def _of_hashes(one: Analysis) -> Finding:
    passwords = sum(row.people for row in one.hashes if row.state != "none")
    old = sum(row.people for row in one.hashes if row.state in OLD_HASHES)
    if not passwords:
        return Finding(about="hashes", code="no_passwords")
    if not old:
        return Finding(about="hashes", code="all_of_today", values={"people": passwords})
    return Finding(about="hashes", code="old_hashes", values={"count": old, "share": old / passwords})


def _of_idle(one: Analysis) -> Finding:
    total = sum(row.people for row in one.idle)
    gone = sum(row.people for row in one.idle if row.idle in ("half_year", "longer", "never"))
    if not gone:
        return Finding(about="idle", code="none_idle", values={"days": STALE.days})
    return Finding(about="idle", code="idle", values={"count": gone, "share": gone / total, "days": STALE.days})


def _of_phases(one: Analysis) -> Finding:
    if not one.phases:
        return Finding(about="phases", code="no_phases")
    work = max(one.phases, key=lambda hit: hit.people - hit.ready)
    if work.people == work.ready:
        return Finding(about="phases", code="all_ready")
    values: Values = {"count": work.people - work.ready, "people": work.people}
    return Finding(
        about="phases", code="most_work", values={**values, **{f"name_{k}": v for k, v in work.name.items()}}
    )
