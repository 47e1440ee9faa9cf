"""What support sees of one person, and what it may do for them: no more than it takes to help (D3).

Support asks and sends; it decides nothing, reads no code, and sets nothing up for anybody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from config.connections import Transaction
from idp.rollout.analysis import PlannedPhase
from idp.rollout.cohorts import Facts
from idp.rollout.demands import PhaseWithRule, Standing, deadline_of, reaches
from idp.rollout.methods import Failure
from idp.rollout.phases import IN_FORCE, Method, PhaseState
from idp.rollout.reminders import Occasion

SHOWN: Final[frozenset[PhaseState]] = IN_FORCE | {"announced", "paused"}
"""States in which people have heard of a phase."""
LONGEST_ASKED: Final = timedelta(days=90)
"""Support asks for no longer exception."""
AGAIN: Final = timedelta(days=1)
"""How often support has one person written of one phase, at most."""
Act = Literal["recovery", "reminder", "exception"]
Hindrance = Literal["no_mail", "locked", "enrolled", "excepted", "asked", "written_lately", "elsewhere"]
"""Why an act is not possible now. `elsewhere`: the person belongs to organisations that are not the caller's, too."""


class MeetsPhase(Struct, frozen=True, kw_only=True):
    """A phase that one person meets, or will meet."""

    programme_id: UUID
    programme: str
    phase_id: UUID
    name: Mapping[str, str]
    state: PhaseState
    methods: tuple[Method, ...]
    begin_at: datetime
    deadline: datetime
    """Until when they may put it off."""
    asked_at: datetime | None
    ready: bool
    """They have one of the methods."""
    excepted_until: datetime | None
    exception_asked: bool
    """Somebody asked an administrator for an exception, who has not decided."""


class LastAttempt(Struct, frozen=True, kw_only=True):
    """An attempt to sign in, and why it came to nothing; without the address that it came from."""

    at: datetime
    outcome: str
    why: Failure | None
    device: str
    place: str
    """A code (`config.places`)."""


class SetUp(Struct, frozen=True, kw_only=True):
    """What somebody has set up, without its name: people write all sorts of things there."""

    kind: Literal["password", "totp", "passkey", "push", "sms", "recovery_codes"]
    count: int
    since: datetime | None
    last_used_at: datetime | None = None


class Possible(Struct, frozen=True, kw_only=True):
    """Something that support may do."""

    act: Act
    phase_id: UUID | None
    hindrance: Hindrance | None
    """Why it is not possible now."""


class Waiting(Protocol):
    """Where exceptions that were asked for wait for an administrator."""

    async def waiting_of(self, tx: Transaction, user_id: UUID) -> Collection[UUID]:
        """The phases for which one waits."""


def meets(
    planned: Sequence[PlannedPhase],
    facts: Facts,
    standings: Mapping[UUID, Standing],
    has: Collection[Method],
    asked: Collection[UUID],
    now: datetime,
) -> tuple[MeetsPhase, ...]:
    """The phases of one organisation that a person meets."""
    found = []
    for one in planned:
        phase = one.phase
        standing = standings.get(phase.id, Standing(taken_in=False))
        if phase.state not in SHOWN or not (standing.taken_in or reaches(PhaseWithRule(phase, one.rule), facts)):
            continue
        found.append(
            MeetsPhase(
                programme_id=phase.programme_id,
                programme=one.programme,
                phase_id=phase.id,
                name=phase.name,
                state=phase.state,
                methods=phase.demand.methods,
                begin_at=phase.dates.begin_at,
                deadline=deadline_of(phase, standing, now),
                asked_at=standing.asked_at,
                ready=not set(phase.demand.methods).isdisjoint(has),
                excepted_until=standing.excepted_until,
                exception_asked=phase.id in asked,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the acts depend on beside the phases."""

    whole: bool
    may_recover: bool
    """Whether a mail may let them back in."""
    has_mail: bool
    written: Collection[UUID] = ()
    """Phases of which support had them written within `AGAIN`."""


def possible(phases: Sequence[MeetsPhase], around: Circumstances) -> tuple[Possible, ...]:
    """Every act, and why it is not possible where it is not."""
    found = [Possible(act="recovery", phase_id=None, hindrance=_recovery(around))]
    for phase in phases:
        found.append(Possible(act="reminder", phase_id=phase.phase_id, hindrance=_reminder(phase, around)))
        found.append(Possible(act="exception", phase_id=phase.phase_id, hindrance=_exception(phase)))
    return tuple(found)


def occasion_of(phase: PlannedPhase) -> Occasion:
    """Which of the notices fits a phase as it is now."""
    if phase.phase.state in ("enforced", "finished"):
        return "closed" if phase.phase.demand.close_password else "enforced"
    return "before" if phase.phase.state == "announced" else "begins"


def _recovery(around: Circumstances) -> Hindrance | None:
    if not around.whole:
        return "elsewhere"
    if not around.may_recover:
        return "locked"
    return None if around.has_mail else "no_mail"


def _reminder(phase: MeetsPhase, around: Circumstances) -> Hindrance | None:
    if phase.ready:
        return "enrolled"
    if not around.has_mail:
        return "no_mail"
    return "written_lately" if phase.phase_id in around.written else None


def _exception(phase: MeetsPhase) -> Hindrance | None:
    if phase.ready:
        return "enrolled"
    if phase.excepted_until is not None:
        return "excepted"
    return "asked" if phase.exception_asked else None
