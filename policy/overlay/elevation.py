"""Elevations: a role for a time, asked for with a reason, and granted by somebody else.

Pure rules: who may ask for what, who may say yes, and what an elevation is at a moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec.structs import replace

from policy.artefact import ANY, Assignment, ElevationRule, Name, Organisation, Policy
from policy.overlay.overlay import Granted
from policy.request import Elevated
from policy.roles import Hierarchy

ASKED_FOR = timedelta(days=1)
"""How long an elevation waits for an answer."""
MOST = 10_000
"""Elevations that may be in force at once: every gateway holds all of them."""


class State(StrEnum):
    """What became of it."""

    ASKED = "asked"
    APPROVED = "approved"
    """In force, from the approval until its time is over."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """Whoever asked took it back before anybody answered."""
    ENDED = "ended"
    """Somebody ended it before its time."""
    EXPIRED = "expired"
    """Its time is over, or nobody answered in time."""


class Elevation(msgspec.Struct, frozen=True, kw_only=True):
    """One as it is kept."""

    id: str
    sub: str
    """Who asked, for themselves."""
    organisation: str
    role: str
    reason: str
    seconds: int
    state: State
    asked_at: datetime
    decided_by: str = ""
    decided_by_name: str = ""
    """As they were called then."""
    decided_why: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    ended_by: str = ""
    ended_why: str = ""

    def at(self, now: datetime) -> Elevation:
        """As it stands at a moment: time ends it without anybody saying so."""
        over = self.state is State.APPROVED and self.ends_at is not None and now >= self.ends_at
        unanswered = self.state is State.ASKED and now >= self.asked_at + ASKED_FOR
        return replace(self, state=State.EXPIRED) if over or unanswered else self

    @property
    def granted(self) -> Granted:
        """What a gateway holds of one that is approved."""
        assert self.ends_at is not None
        return Granted(self.sub, self.organisation, Elevated(self.id, self.role, self.ends_at.timestamp()))


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody asks for, for themselves."""

    role: Name
    seconds: Annotated[int, msgspec.Meta(ge=60)]
    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=1000)]


class NotForYou(Exception):
    """Nobody lets this person ask for, or decide about, this."""


class TooLong(Exception):
    """Longer than the policy lets anybody hold it; the argument is how long it does, seconds."""

    @property
    def longest(self) -> int:
        """Seconds."""
        found: int = self.args[0]
        return found


class HeldAlready(Exception):
    """Who asks holds the role anyway."""


_ANYWHERE = Organisation()


class Ladder:
    """What a policy says of elevations and of who holds what, worked out once for a version."""

    def __init__(self, policy: Policy) -> None:
        self._rules = policy.elevations
        self._organisations = policy.organisations
        self._hierarchy = Hierarchy(policy.inheritance, policy.assignments if policy.elevations else ())
        self._assigned: dict[str, list[Assignment]] = {}
        for given in policy.assignments if policy.elevations else ():
            self._assigned.setdefault(given.subject, []).append(given)

    def held(self, who: str, organisation: str, roles: Iterable[str]) -> frozenset[str]:
        """All that somebody holds in an organisation by these roles and by what the policy assigns them."""
        assigned = (given.role for given in self._assigned.get(who, ()) if given.organisation in (ANY, organisation))
        return self._hierarchy.held(organisation, {*roles, *assigned})

    def rules(self, organisation: str, role: str) -> list[ElevationRule]:
        """Those for one role there."""
        return [rule for rule in self._rules if rule.role == role and _fits(rule, organisation)]

    def askable(self, who: str, organisation: str, roles: Iterable[str]) -> dict[str, int]:
        """The roles that somebody may ask for there, with the seconds for which at most."""
        held, found = self.held(who, organisation, roles), dict[str, int]()
        for rule in self._rules:
            if rule.asked_by in held and rule.role not in held and _fits(rule, organisation):
                found[rule.role] = max(rule.longest, found.get(rule.role, 0))
        return found

    def time_zone(self, organisation: str) -> str:
        """The clock of an organisation, as the policy has it."""
        return (self._organisations.get(organisation) or self._organisations.get(ANY) or _ANYWHERE).time_zone

    def approvable(self, who: str, organisation: str, roles: Iterable[str]) -> frozenset[str]:
        """The roles about whose elevation somebody may decide there."""
        held = self.held(who, organisation, roles)
        return frozenset(rule.role for rule in self._rules if rule.approved_by in held and _fits(rule, organisation))


def may_ask(ladder: Ladder, who: str, organisation: str, roles: Iterable[str], wish: Wish) -> None:
    """Whether a holder of these roles may ask. Raises `HeldAlready`, `NotForYou`, `TooLong`."""
    held = ladder.held(who, organisation, roles)
    if wish.role in held:
        raise HeldAlready(wish.role)
    longest = ladder.askable(who, organisation, roles).get(wish.role)
    if longest is None:
        raise NotForYou(wish.role)
    if wish.seconds > longest:
        raise TooLong(longest)


def may_decide(ladder: Ladder, elevation: Elevation, who: str, organisation: str, roles: Iterable[str]) -> bool:
    """Whether somebody may approve or refuse it: a holder of the role for that, in the same organisation, not the one
    whom it is for."""
    if who == elevation.sub or organisation != elevation.organisation:
        return False
    held = ladder.held(who, organisation, roles)
    return any(
        rule.approved_by in held and elevation.seconds <= rule.longest
        for rule in ladder.rules(organisation, elevation.role)
    )


def _fits(rule: ElevationRule, organisation: str) -> bool:
    return rule.organisation in (ANY, organisation)


def approved(elevation: Elevation, by: str, name: str, why: str, now: datetime) -> Elevation:
    """It is in force from now on."""
    return replace(
        elevation,
        state=State.APPROVED,
        decided_by=by,
        decided_by_name=name,
        decided_why=why,
        starts_at=now,
        ends_at=now + timedelta(seconds=elevation.seconds),
    )


def refused(elevation: Elevation, by: str, name: str, why: str) -> Elevation:
    """Somebody said no."""
    return replace(elevation, state=State.REFUSED, decided_by=by, decided_by_name=name, decided_why=why)


def withdrawn(elevation: Elevation, by: str, why: str) -> Elevation:
    """Whoever asked wants it no more."""
    return replace(elevation, state=State.WITHDRAWN, ended_by=by, ended_why=why)


def ended(elevation: Elevation, by: str, why: str, now: datetime) -> Elevation:
    """It is over before its time."""
    return replace(elevation, state=State.ENDED, ended_by=by, ended_why=why, ends_at=now)
