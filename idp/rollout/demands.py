"""What the phases in force demand of one person at one login: pure.

A person is of a phase once it has reached them: their cohort is looked at until then, and not afterwards, so that
whoever was taken in as somebody without a second factor is still asked for it when they have one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from idp.authorization.next_step import Enrolling
from idp.rollout.cohorts import Facts, Rule, belongs, within
from idp.rollout.phases import PUTS_NO_MORE_OFF, Method, Phase

OFFERED: Final[frozenset[Method]] = frozenset({"passkey", "push", "totp", "sms", "link"})
"""What people can set up, or have without setting anything up."""
AT_LOGIN: Final[frozenset[Method]] = OFFERED - {"push"}
"""What a login itself sets up. A device that approves is set up in its person's account, in its own browser: a login
tells of it, and holds nobody up for it."""
ALONE: Final[frozenset[Method]] = frozenset({"passkey", "push", "link"})
"""What may sign somebody in without a password; the others come beside one."""
SECOND: Final[frozenset[Method]] = frozenset({"passkey", "totp", "sms"})
"""What a login sets up that is a second factor from then on."""
BEST_FIRST: Final[tuple[Method, ...]] = ("passkey", "push", "totp", "sms", "link")


def offered_here(*, texts: bool) -> frozenset[Method]:
    """What this house can offer; `texts`: whether anybody carries them."""
    return OFFERED if texts else OFFERED - {"sms"}


@dataclass(frozen=True, slots=True)
class PhaseWithRule:
    """A phase in force, and whom it is for."""

    phase: Phase
    rule: Rule


@dataclass(frozen=True, slots=True)
class Standing:
    """What a phase remembers of one person."""

    asked_at: datetime | None = None
    enrolled: bool = False
    excepted_until: datetime | None = None
    taken_in: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What a person is asked to set up."""

    phase_id: UUID | None
    """None: no phase asks; what they have is forbidden by their organisation."""
    methods: tuple[Method, ...]
    """Those that can be set up, best first; by `AT_LOGIN` what of them can be here."""
    enrolling: Enrolling
    deadline: datetime
    """Until when they may put it off."""
    passwordless: bool
    """It is to take the place of their password; otherwise it comes beside it."""

    def days_left(self, now: datetime) -> int:
        """Days, each one begun counted; 0 where it cannot be put off."""
        return max(0, math.ceil((self.deadline - now) / timedelta(days=1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Demanded:
    """What all phases together demand of a person."""

    enrolment: Enrolment | None = None
    second_factor: bool = False
    instead: frozenset[Method] = frozenset()
    """By what they sign in where their password is closed."""
    reached: tuple[UUID, ...] = ()
    """The phases that they are of."""

    @property
    def password_closed(self) -> bool:
        """Whether their password signs them in no more."""
        return bool(self.instead)


NOTHING: Final = Demanded()


def reaches(at: PhaseWithRule, facts: Facts) -> bool:
    """Whether a person belongs to the part of the cohort that a phase reaches."""
    return within(at.phase.share, at.phase.salt, facts.user_id) and belongs(at.rule, facts)


def demanded(
    phases: Sequence[PhaseWithRule],
    facts: Facts,
    standings: Mapping[UUID, Standing],
    has: Collection[Method],
    now: datetime,
    *,
    offered: Collection[Method] = OFFERED,
    alone: Collection[Method] = ALONE,
) -> Demanded:
    """What these phases, all of the person's organisation, demand now.

    `has`: the methods that they have; `offered`: those that they could set up; `alone`: those that sign them in without
    a password in this very login, so that nobody's password closes before there is another way.
    """
    reached, enrolments = [], list[Enrolment]()
    second_factor, instead = False, frozenset[Method]()
    for at in phases:
        phase = at.phase
        standing = standings.get(phase.id, _UNMET)
        if not phase.in_force or not (standing.taken_in or reaches(at, facts)):
            continue
        reached.append(phase.id)
        if standing.excepted_until is not None and now < standing.excepted_until:
            continue
        deadline = deadline_of(phase, standing, now)
        over = phase.state in PUTS_NO_MORE_OFF and now >= deadline
        if mine := frozenset(phase.demand.methods).intersection(has):
            second_factor = second_factor or (over and phase.demand.second_factor)
            if over and phase.demand.close_password:
                instead |= mine.intersection(alone)
            continue
        methods = tuple(one for one in BEST_FIRST if one in phase.demand.methods and one in offered)
        if methods:
            enrolling: Enrolling = "must" if over and not AT_LOGIN.isdisjoint(methods) else "may"
            enrolments.append(
                Enrolment(
                    phase_id=phase.id,
                    methods=methods,
                    enrolling=enrolling,
                    deadline=deadline,
                    passwordless=phase.kind == "passwordless",
                )
            )
    first = min(enrolments, key=lambda one: (one.enrolling == "may", one.deadline), default=None)
    return Demanded(enrolment=first, second_factor=second_factor, instead=instead, reached=tuple(reached))


def deadline_of(phase: Phase, standing: Standing, now: datetime) -> datetime:
    """Until when a person may put off what a phase asks: its date, or their grace from when they were first asked."""
    first_asked = standing.asked_at if standing.asked_at is not None else now
    return max(phase.dates.enforce_at, first_asked + phase.grace) if phase.grace_days else phase.dates.enforce_at


def replacement(offered: Collection[Method], now: datetime) -> Enrolment | None:
    """What somebody sets up all of whose factors are forbidden: at once. None: nothing can be."""
    methods = tuple(one for one in BEST_FIRST if one in SECOND and one in offered)
    if not methods:
        return None
    return Enrolment(phase_id=None, methods=methods, enrolling="must", deadline=now, passwordless=False)


_UNMET: Final = Standing(taken_in=False)
