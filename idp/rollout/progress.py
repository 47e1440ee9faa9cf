"""How far a phase is (D7): who has enrolled, what came of their sign-ins, what it took, who is stuck, when it is done.

Everything is counted as it is now, of the people whom the phase has taken in and who may sign in; sign-ins are those by
the methods that it asks for, since it began.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from config.connections import Transaction
from idp.rollout.analysis import PlannedPhase
from idp.rollout.feedback import Marks
from idp.rollout.forecast import NOBODY, WINDOW, forecast
from idp.rollout.inference import Share, wilson
from idp.rollout.methods import Failure
from idp.rollout.phases import Measured, Method, Phase, PhaseKind, PhaseState, Why, short_of

BEFORE: Final = timedelta(days=30)
"""So long before a phase began its people's sign-ins are what its times are set beside."""
Stuck = Literal["tried", "put_off", "reminded"]
"""`tried`: their last attempt by the new way failed. `put_off`: they were asked at a login, and did not want to yet.
`reminded`: they were written to, and have not come. Whoever is several of these is the first."""
HelpKind = Literal["recovery", "recovery_code", "gave_up", "support"]
"""They asked for a way back in, used a saved code, gave up at a second factor, or support looked after them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """How many of the people whom a phase has taken in."""

    reached: int
    enrolled: int
    """They have one of its methods."""
    asked: int
    """A login asked them."""
    put_off: int
    """They have none of its methods and did not want to, once at least."""
    excepted: int
    """They have none, and an exception holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """What came of sign-ins."""

    succeeded: int = 0
    failed: int = 0
    given_up: int = 0
    median_seconds: float | None = None
    slow_seconds: float | None = None
    """One of ten took longer."""
    before_seconds: float | None = None
    """The median of the same people's sign-ins before the phase began."""


class HelpRow(Struct, frozen=True, kw_only=True):
    kind: HelpKind
    times: int
    people: int


class DayOfPhase(Struct, frozen=True):
    """How many enrolled on one day (UTC)."""

    day: date
    enrolled: int


class ForecastDocument(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """When everybody will have enrolled at the pace of the last days; dates that cannot be named honestly are null."""

    on: date | None
    from_: date | None
    until: date | None
    pace: float
    slowing: bool


class StuckRow(Struct, frozen=True, kw_only=True):
    """Somebody who may need help."""

    user_id: UUID
    display_name: str
    why: Stuck
    put_off: int
    """How often."""
    reminded: int
    """How many notices they got."""
    asked_at: datetime | None
    last_at: datetime | None
    """Their last attempt by the new way that came to nothing."""
    last_failure: Failure | None


class PhaseProgress(Struct, frozen=True, kw_only=True):
    """One phase, at one moment."""

    programme_id: UUID
    programme: str
    phase_id: UUID
    name: Mapping[str, str]
    kind: PhaseKind
    state: PhaseState
    methods: tuple[Method, ...]
    share: int
    """Percentage of the cohort that it reaches."""
    begun_at: datetime | None
    enforce_at: datetime
    reached: int
    asked: int
    enrolled: int
    enrolled_low: float | None
    """Where the share of those who enrol lies, at 95 %."""
    enrolled_high: float | None
    put_off: int
    excepted: int
    succeeded: int
    failed: int
    given_up: int
    median_seconds: float | None
    slow_seconds: float | None
    before_seconds: float | None
    help: tuple[HelpRow, ...]
    answers: int
    feedback: float | None
    feedback_low: float | None
    feedback_high: float | None
    stuck: Mapping[Stuck, int]
    days: tuple[DayOfPhase, ...]
    forecast: ForecastDocument
    hindrance: Why | None
    """Which threshold keeps it from reaching more people."""


class Counted(Protocol):
    """Where all of this is counted."""

    async def people(self, tx: Transaction, phase: Phase, now: datetime) -> People:
        """How many it has taken in, and how far they are."""

    async def attempts(self, tx: Transaction, phase: Phase, now: datetime) -> Attempts:
        """What came of their sign-ins by its methods."""

    async def asked_help(self, tx: Transaction, phase: Phase, now: datetime) -> Sequence[HelpRow]:
        """How they asked for help."""

    async def marks(self, tx: Transaction, phase: Phase, now: datetime) -> Marks:
        """What they said of its ways in."""

    async def enrolled_by_day(self, tx: Transaction, phase: Phase, since: date, until: date) -> Mapping[date, int]:
        """How many got their first one of its methods on which day, `until` left out."""

    async def stuck_counts(self, tx: Transaction, phase: Phase, now: datetime) -> Mapping[Stuck, int]:
        """How many are stuck, and how."""

    async def stuck(
        self, tx: Transaction, phase: Phase, now: datetime, *, after: tuple[str, UUID] | None, limit: int
    ) -> Sequence[StuckRow]:
        """Who is, by name."""


async def progress_of(tx: Transaction, counted: Counted, planned: PlannedPhase, now: datetime) -> PhaseProgress:
    """How far a phase is."""
    phase = planned.phase
    people = await counted.people(tx, phase, now)
    attempts = await counted.attempts(tx, phase, now)
    marks = await counted.marks(tx, phase, now)
    today = now.date()
    first = _first_day(phase, today)
    by_day = await counted.enrolled_by_day(tx, phase, first, today + timedelta(days=1))
    days = [first + timedelta(days=place) for place in range((today - first).days + 1)]
    left = max(0, people.reached - people.enrolled - people.excepted)
    when = forecast(left, [by_day.get(day, 0) for day in days[:-1]], today) if people.reached else NOBODY
    enrolled = wilson(Share(people.reached, people.enrolled))
    said = marks.interval
    measured = Measured(attempts.succeeded, attempts.failed, marks.mean)
    return PhaseProgress(
        programme_id=phase.programme_id,
        programme=planned.programme,
        phase_id=phase.id,
        name=phase.name,
        kind=phase.kind,
        state=phase.state,
        methods=phase.demand.methods,
        share=phase.share,
        begun_at=phase.begun_at,
        enforce_at=phase.dates.enforce_at,
        reached=people.reached,
        asked=people.asked,
        enrolled=people.enrolled,
        enrolled_low=enrolled.low if enrolled else None,
        enrolled_high=enrolled.high if enrolled else None,
        put_off=people.put_off,
        excepted=people.excepted,
        succeeded=attempts.succeeded,
        failed=attempts.failed,
        given_up=attempts.given_up,
        median_seconds=attempts.median_seconds,
        slow_seconds=attempts.slow_seconds,
        before_seconds=attempts.before_seconds,
        help=tuple(await counted.asked_help(tx, phase, now)),
        answers=marks.total,
        feedback=marks.mean,
        feedback_low=said.low if said else None,
        feedback_high=said.high if said else None,
        stuck=await counted.stuck_counts(tx, phase, now),
        days=tuple(DayOfPhase(day, by_day.get(day, 0)) for day in days),
        forecast=ForecastDocument(on=when.on, from_=when.from_, until=when.until, pace=when.pace, slowing=when.slowing),
        hindrance=short_of(phase.thresholds, measured),
    )


class Phases(Protocol):
    """Where phases are known."""

    async def planned(
        self, tx: Transaction, scope: Collection[UUID], programme_id: UUID | None = None
    ) -> Sequence[PlannedPhase]:
        """The phases of all programmes of these organisations that are not rolled back, or all of one programme."""


def _first_day(phase: Phase, today: date) -> date:
    """The first day whose enrolments are shown, and whose pace counts; the day that a phase began is not a whole
    one."""
    window = today - timedelta(days=WINDOW)
    if phase.begun_at is None:
        return window
    return min(today, max(window, phase.begun_at.date() + timedelta(days=1)))
