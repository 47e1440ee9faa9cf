"""Recorded decisions against what another version answers: who would lose, gain or be asked for more, counted exactly.

Groups are of a person, their roles, a zone, both answers and both rules. They and the people are counted apart up to a
bound; beyond it they are counted together, so that no totals are lost and memory stays bounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from policy.decision import Decision, Effect
from policy.recorded import Recorded

MOST_GROUPS = 5000
"""Groups, and people, that are counted apart."""
EXAMPLES = 3
TOGETHER = "…"
"""Where those are counted that are beyond the bound."""
_PASSES = (Effect.ALLOW, Effect.REDUCE)


class Fate(StrEnum):
    """What would become of a request that is answered otherwise."""

    LOST = "lost"
    """It passed, or could have after a step-up, and would be denied."""
    GAINED = "gained"
    """It did not pass, and would, or could after a step-up."""
    ASKED_MORE = "asked_more"
    """It passed, and would be asked for a stronger sign-in; or it was asked, and would be for more."""
    CHANGED = "changed"
    """It passes either way, with other obligations."""


def fate(was: Decision, would_be: Decision) -> Fate | None:
    """None: nobody would see a difference."""
    before, after = was.effect, would_be.effect
    passed, passes = before in _PASSES, after in _PASSES
    if passed and passes:
        return None if set(was.obligations) == set(would_be.obligations) else Fate.CHANGED
    if before is after:
        return Fate.ASKED_MORE if after is Effect.STEP_UP and was.step_up != would_be.step_up else None
    if after is Effect.DENY:
        return Fate.LOST
    return Fate.ASKED_MORE if passed else Fate.GAINED


class Counts(msgspec.Struct):
    """How many of each fate."""

    lost: int = 0
    gained: int = 0
    asked_more: int = 0
    changed: int = 0

    def add(self, one: Fate) -> None:
        setattr(self, one.value, getattr(self, one.value) + 1)


class Group(msgspec.Struct, frozen=True):
    """What requests have in common that would fare alike."""

    fate: Fate
    sub: str
    roles: tuple[str, ...]
    zone: str
    was: Effect
    would_be: Effect
    rule: str
    """That decided; empty: none did."""
    would_be_rule: str


class Member(msgspec.Struct):
    """How many are in a group, and the ids of some of them."""

    count: int = 0
    examples: list[str] = []
    requests: list[str] = []
    """Method and path of the same."""


class Findings(msgspec.Struct):
    """What was found so far; it is kept with the job, so that it goes on where it stopped."""

    same: int = 0
    skipped: int = 0
    """They cannot be decided again: recorded before records had what it takes, or not to be read."""
    totals: Counts = msgspec.field(default_factory=Counts)
    groups: list[tuple[Group, Member]] = []
    people: dict[str, Counts] = {}
    roles: dict[str, Counts] = {}
    zones: dict[str, Counts] = {}
    rules: dict[str, Counts] = {}
    """By the rule that would decide; empty: none would."""


class Tally:
    """Counts."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._groups = dict(findings.groups)
        self._rest = {group.fate: group for group in self._groups if group.sub == TOGETHER}

    def skip(self) -> None:
        self._findings.skipped += 1

    def add(self, recorded: Recorded, was: Decision, would_be: Decision) -> None:
        """Count one request."""
        found = self._findings
        fared = fate(was, would_be)
        if fared is None:
            found.same += 1
            return
        found.totals.add(fared)
        roles = tuple(sorted(recorded.asked.subject.roles)) if recorded.asked is not None else ()
        _count(found.people, (recorded.sub,), fared, bounded=True)
        _count(found.roles, roles, fared, bounded=True)
        _count(found.zones, (recorded.zone,), fared)
        _count(found.rules, (would_be.winner,), fared)
        group = Group(
            fared, recorded.sub, roles, recorded.zone, was.effect, would_be.effect, was.winner, would_be.winner
        )
        if group not in self._groups and len(self._groups) - len(self._rest) >= MOST_GROUPS:
            group = self._rest.setdefault(
                fared, Group(fared, TOGETHER, (), TOGETHER, was.effect, would_be.effect, TOGETHER, TOGETHER)
            )
        member = self._groups.setdefault(group, Member())
        member.count += 1
        if len(member.examples) < EXAMPLES:
            member.examples.append(recorded.correlation_id)
            member.requests.append(f"{recorded.method} {recorded.path[:200]}")

    def findings(self) -> Findings:
        """What was counted; the largest groups first."""
        ordered = sorted(self._groups.items(), key=lambda one: (-one[1].count, msgspec.json.encode(one[0])))
        self._findings.groups = ordered
        return self._findings


def _count(of: dict[str, Counts], names: Iterable[str], fared: Fate, *, bounded: bool = False) -> None:
    for name in names:
        if bounded and name not in of and len(of) >= MOST_GROUPS:
            name = TOGETHER
        of.setdefault(name, Counts()).add(fared)
