"""What is asked of a programme, who asks it, and why it cannot be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from idp.rollout.phases import Act, Dates, Demand, Measured, Phase, Reminder, Thresholds, Why


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and why."""

    who: str
    why: str
    correlation_id: str
    sid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseChange:
    """What of a phase is written anew; None: it stays."""

    cohort_id: UUID | None = None
    share: int | None = None
    demand: Demand | None = None
    dates: Dates | None = None
    grace_days: int | None = None
    reminders: tuple[Reminder, ...] | None = None
    thresholds: Thresholds | None = None


@dataclass(frozen=True, slots=True)
class PhaseView:
    """A phase, and what can be done with it now."""

    phase: Phase
    acts: Mapping[Act, Why | None]
    measured: Measured


class Missing(Exception):
    """There is no such phase, cohort, exception or person in this programme."""


class Stale(Exception):
    """Somebody changed it meanwhile."""


class NotChangeable(Exception):
    """It is in force: only its dates of later, thresholds and reminders may be written anew."""


class Unusable(ValueError):
    """What was asked for cannot be; the message says why."""
