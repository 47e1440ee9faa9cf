"""One phase of a programme as a value, and the acts that take it from one state to the next: pure.

    draft -> announced -> piloting | running -> enforced -> finished, paused and rolled back from where it matters

What it demands is in force while it pilots or runs (people may put it off), is enforced, or is finished (nobody puts it
off); a phase that is paused or rolled back demands nothing, and takes nothing that people have set up away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal, get_args
from uuid import UUID

from msgspec import Meta, Struct

PhaseKind = Literal["mfa", "passwordless"]
PhaseState = Literal["draft", "announced", "piloting", "running", "enforced", "finished", "paused", "rolled_back"]
Act = Literal["announce", "begin", "widen", "enforce", "finish", "pause", "resume", "roll_back", "reopen"]
ACTS: Final[tuple[Act, ...]] = get_args(Act)
Method = Literal["passkey", "push", "totp", "sms", "link"]
"""What a phase may ask people to set up; `link`, a one-time link by mail, is everybody's who can be mailed."""
IN_FORCE: Final[frozenset[PhaseState]] = frozenset({"piloting", "running", "enforced", "finished"})
PUTS_NO_MORE_OFF: Final[frozenset[PhaseState]] = frozenset({"enforced", "finished"})
FROM: Final[Mapping[Act, frozenset[PhaseState]]] = {
    "announce": frozenset({"draft"}),
    "begin": frozenset({"announced"}),
    "widen": frozenset({"piloting", "enforced"}),
    "enforce": frozenset({"piloting", "running"}),
    "finish": frozenset({"enforced"}),
    "pause": frozenset({"announced", "piloting", "running", "enforced"}),
    "resume": frozenset({"paused"}),
    "roll_back": frozenset({"piloting", "running", "enforced", "finished", "paused"}),
    "reopen": frozenset({"rolled_back"}),
}
DANGEROUS: Final[frozenset[Act]] = frozenset({"enforce", "widen", "roll_back"})
"""What is felt by many at once: pages ask before it."""
CHANGEABLE: Final[frozenset[PhaseState]] = frozenset({"draft", "announced", "paused"})
"""While what a phase demands, and of whom, may be written anew."""

AFTER_REOPENING: Final = timedelta(days=7)
"""A phase that was rolled back and is opened again is not announced earlier by its dates."""

Rate = Annotated[float, Meta(ge=0, le=1)]
DateName = Literal["announce", "begin", "enforce", "end"]


class Demand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a phase asks of people."""

    methods: Annotated[tuple[Method, ...], Meta(min_length=1, max_length=5)]
    """One of these is to be set up."""
    second_factor: bool = False
    """From the date of enforcement on every login asks for a second factor."""
    close_password: bool = False
    """From then on the password signs nobody in who has one of the methods."""


class Reminder(Struct, frozen=True, forbid_unknown_fields=True):
    """When people are written to: so many days from one of the dates, before it where negative."""

    date: DateName
    days: Annotated[int, Meta(ge=-365, le=365)]


class Thresholds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must have been measured before a phase reaches more people, or demands more of them."""

    min_success_rate: Rate | None = None
    """Of the sign-ins by what the phase brings, those that succeeded."""
    max_failure_rate: Rate | None = None
    min_feedback: Annotated[float, Meta(ge=1, le=5)] | None = None
    """The mean of what people said, from 1 to 5."""
    min_sample: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    """Fewer sign-ins say nothing."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of sign-ins since a phase began."""

    successes: int = 0
    failures: int = 0
    feedback: float | None = None

    @property
    def sample(self) -> int:
        return self.successes + self.failures


@dataclass(frozen=True, slots=True)
class Dates:
    """When it is told, when it begins, from when nobody puts it off, when the work of it is over."""

    announce_at: datetime
    begin_at: datetime
    enforce_at: datetime
    end_at: datetime

    def of(self, name: DateName) -> datetime:
        """One of them."""
        moment: datetime = getattr(self, f"{name}_at")
        return moment

    @property
    def in_order(self) -> bool:
        return self.announce_at <= self.begin_at <= self.enforce_at <= self.end_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase."""

    id: UUID
    programme_id: UUID
    position: int
    key: str
    name: Mapping[str, str]
    """By language."""
    kind: PhaseKind
    cohort_id: UUID
    share: int
    """Percentage of the cohort that it reaches."""
    demand: Demand
    dates: Dates
    grace_days: int
    """Whoever is first asked late has so many days from then."""
    reminders: tuple[Reminder, ...]
    thresholds: Thresholds
    state: PhaseState
    paused_from: PhaseState | None = None
    paused_at: datetime | None = None
    begun_at: datetime | None = None
    version: int = 1

    @property
    def in_force(self) -> bool:
        return self.state in IN_FORCE

    @property
    def grace(self) -> timedelta:
        return timedelta(days=self.grace_days)

    @property
    def salt(self) -> str:
        """By which the share of its cohort is chosen."""
        return str(self.id)


class Why(StrEnum):
    """Why an act cannot be done now."""

    STATE = "state"
    DATES = "dates"
    NO_METHOD = "no_method"
    """None of the methods that it asks for is offered here."""
    NOT_WIDER = "not_wider"
    SAMPLE = "sample"
    SUCCESS_RATE = "success_rate"
    FAILURE_RATE = "failure_rate"
    FEEDBACK = "feedback"
    EARLIER_PHASE = "earlier_phase"
    """The passwordless phase before it has not begun."""


class NotNow(Exception):
    """The act cannot be done now."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What an act depends on beside the phase itself."""

    offered: frozenset[Method]
    """The methods that people can set up, or have, here."""
    measured: Measured = Measured()
    """Of the phase itself."""
    before: Phase | None = None
    """The phase of the same kind before it."""
    measured_before: Measured = Measured()


def acts_now(phase: Phase, around: Circumstances) -> Mapping[Act, Why | None]:
    """Every act that the state lets happen; why it cannot be done all the same, where it cannot."""
    return {act: _hindrance(phase, act, around) for act in ACTS if phase.state in FROM[act]}


def done(phase: Phase, act: Act, now: datetime, around: Circumstances, *, share: int | None = None) -> Phase:
    """The phase once an act was done; `share`: to how much of the cohort it is widened. Raises `NotNow`.

    Whoever begins or enforces it before its date has the date moved to now: deadlines are reckoned from the dates.
    """
    if phase.state not in FROM[act]:
        raise NotNow(Why.STATE)
    if (hindrance := _hindrance(phase, act, around)) is not None:
        raise NotNow(hindrance)
    changed = replace(phase, version=phase.version + 1)
    match act:
        case "announce":
            return replace(changed, state="announced", dates=_at(phase.dates, "announce", now))
        case "begin":
            state: PhaseState = "piloting" if phase.share < 100 else "running"
            return replace(changed, state=state, begun_at=now, dates=_at(phase.dates, "begin", now))
        case "widen":
            if share is None or not phase.share < share <= 100:
                raise NotNow(Why.NOT_WIDER)
            wider = replace(changed, share=share)
            return replace(wider, state="running") if share == 100 and phase.state == "piloting" else wider
        case "enforce":
            return replace(changed, state="enforced", dates=_at(phase.dates, "enforce", now))
        case "finish":
            return replace(changed, state="finished", dates=_at(phase.dates, "end", now))
        case "pause":
            return replace(changed, state="paused", paused_from=phase.state, paused_at=now)
        case "resume":
            assert phase.paused_from is not None
            assert phase.paused_at is not None
            later = _later(phase.dates, now - phase.paused_at, after=phase.paused_at)
            return replace(changed, state=phase.paused_from, paused_from=None, paused_at=None, dates=later)
        case "roll_back":
            return replace(changed, state="rolled_back", paused_from=None, paused_at=None)
        case "reopen":  # its dates are over: by them it would begin before anybody looked at them
            later = _later(phase.dates, now + AFTER_REOPENING - phase.dates.announce_at)
            return replace(changed, state="draft", begun_at=None, dates=later)


def due(phase: Phase, now: datetime) -> Act | None:
    """What the dates say is to be done with a phase of a programme that was started."""
    match phase.state:
        case "draft":
            return "announce" if now >= phase.dates.announce_at else None
        case "announced":
            return "begin" if now >= phase.dates.begin_at else None
        case "piloting" | "running":
            return "enforce" if now >= phase.dates.enforce_at else None
        case "enforced":
            return "finish" if now >= phase.dates.end_at else None
    return None


def short_of(thresholds: Thresholds, measured: Measured) -> Why | None:
    """Which threshold was not reached yet; None: all were. What was never measured reaches none."""
    if measured.sample < thresholds.min_sample:
        return Why.SAMPLE
    successes, failures = measured.successes, measured.failures
    if thresholds.min_success_rate is not None and (
        not measured.sample or successes < thresholds.min_success_rate * measured.sample
    ):
        return Why.SUCCESS_RATE
    if thresholds.max_failure_rate is not None and failures > thresholds.max_failure_rate * measured.sample:
        return Why.FAILURE_RATE
    if thresholds.min_feedback is not None and (
        measured.feedback is None or measured.feedback < thresholds.min_feedback
    ):
        return Why.FEEDBACK
    return None


def _hindrance(phase: Phase, act: Act, around: Circumstances) -> Why | None:
    """Passwordless reaches more people, and closes passwords, only past its thresholds; its next phase, past those of
    the one before."""
    if act in ("begin", "resume") and around.offered.isdisjoint(phase.demand.methods):
        return Why.NO_METHOD
    if phase.kind != "passwordless":
        return None
    if act in ("widen", "enforce"):
        return short_of(phase.thresholds, around.measured)
    if act == "begin" and around.before is not None and around.before.state != "rolled_back":
        if around.before.begun_at is None:
            return Why.EARLIER_PHASE
        return short_of(around.before.thresholds, around.measured_before)
    return None


def _at(dates: Dates, name: DateName, now: datetime) -> Dates:
    """The dates after something was done now: what came early moves its date, and none before it is later."""
    order = ("announce_at", "begin_at", "enforce_at", "end_at")
    at = order.index(f"{name}_at")
    earlier = {one: min(getattr(dates, one), now) for one in order[: at + 1]}
    return replace(dates, **earlier)


def _later(dates: Dates, by: timedelta, *, after: datetime | None = None) -> Dates:
    """The dates put off, those alone that come after a moment."""
    moved = {
        f"{name}_at": dates.of(name) + (by if after is None or dates.of(name) > after else timedelta())
        for name in get_args(DateName)
    }
    return Dates(**moved)
