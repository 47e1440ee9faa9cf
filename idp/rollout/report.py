"""The final report of a programme (D7): what was reached, what it cost people, what to do better; from data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from config.connections import Transaction
from idp.rollout.analysis import OLD_HASHES, Group, HashRow
from idp.rollout.comparison import Comparison
from idp.rollout.daily import Cell
from idp.rollout.methods import METHODS, STRENGTH_OF, STRENGTHS, Strength
from idp.rollout.phases import Phase
from idp.rollout.progress import PhaseProgress

SPAN: Final = timedelta(days=14)
"""So many days before the programme began, and so many until now, are set beside each other."""
LOW_MARK: Final = 3.5
"""A mean under it is a complaint."""
Level = Literal["now", "soon", "note"]


class StrengthShare(Struct, frozen=True, kw_only=True):
    """How many sign-ins were of a strength, before the programme and now."""

    strength: Strength
    before: int
    now: int


class Cost(Struct, frozen=True, kw_only=True):
    """What a phase cost people."""

    phase_id: UUID
    name: Mapping[str, str]
    seconds_more: float | None
    """Of a typical sign-in, beside the same people's before; below nothing: it became quicker."""
    hours: float | None
    """All of its sign-ins together, at that."""
    failed: int
    given_up: int
    put_off: int
    """People."""
    asked_help: int
    """Times."""


class Advice(Struct, frozen=True, kw_only=True):
    """What to do better, by its code; the more pressing first."""

    level: Level
    code: str
    values: Mapping[str, str | int | float] = {}


class Report(Struct, frozen=True, kw_only=True):
    """The whole, at one moment."""

    programme_id: UUID
    programme: str
    organisation: str
    at: datetime
    began_at: datetime | None
    """When its first phase did; null: none did yet."""
    people: int
    """Who may sign in."""
    ready: Group
    signed_in: tuple[StrengthShare, ...]
    phases: tuple[PhaseProgress, ...]
    comparisons: Mapping[str, Comparison]
    """By the id of a phase that has begun."""
    costs: tuple[Cost, ...]
    still_by_password: int
    """People who have a passkey, and signed in by their password within `SPAN` all the same."""
    exceptions: int
    """That hold now."""
    old_hashes: int
    advice: tuple[Advice, ...]


class Remains(Protocol):
    """Where it is known what is left to do."""

    async def still_by_password(self, tx: Transaction, organisation_id: UUID, since: datetime) -> int:
        """How many have a passkey and signed in by their password since then."""

    async def exceptions(self, tx: Transaction, programme_id: UUID, now: datetime) -> int:
        """How many hold."""


def began_at(phases: Sequence[Phase]) -> datetime | None:
    """When the first of these phases did."""
    return min((phase.begun_at for phase in phases if phase.begun_at is not None), default=None)


def span_before(began: datetime | None) -> tuple[date, date] | None:
    """The days before a programme began that are looked at."""
    return None if began is None else (began.date() - SPAN, began.date())


def by_strength(before: Sequence[Cell], now: Sequence[Cell]) -> tuple[StrengthShare, ...]:
    """Sign-ins of two times by their strength."""
    counts = {strength: [0, 0] for strength in STRENGTHS}
    for place, cells in enumerate((before, now)):
        for cell in cells:
            for method in METHODS:
                if cell.outcome == "got_in" and cell.method == method:
                    counts[STRENGTH_OF[method]][place] += cell.attempts
    return tuple(StrengthShare(strength=one, before=pair[0], now=pair[1]) for one, pair in counts.items())


def cost_of(progress: PhaseProgress) -> Cost:
    """What one phase cost."""
    more = (
        progress.median_seconds - progress.before_seconds
        if progress.median_seconds is not None and progress.before_seconds is not None
        else None
    )
    return Cost(
        phase_id=progress.phase_id,
        name=progress.name,
        seconds_more=more,
        hours=more * progress.succeeded / 3600 if more is not None else None,
        failed=progress.failed,
        given_up=progress.given_up,
        put_off=progress.put_off,
        asked_help=sum(row.times for row in progress.help),
    )


def old_hashes(rows: Sequence[HashRow]) -> int:
    """Passwords that do not lie in today's way."""
    return sum(row.people for row in rows if row.state in OLD_HASHES)


def advice(
    phases: Sequence[PhaseProgress],
    comparisons: Mapping[str, Comparison],
    *,
    still_by_password: int,
    exceptions: int,
    old: int,
) -> tuple[Advice, ...]:
    """What the data say is to be done better, the more pressing first; `all_well` where they say nothing."""
    found = [one for phase in phases for one in _of_phase(phase, comparisons.get(str(phase.phase_id)))]
    if still_by_password:
        found.append(Advice(level="soon", code="still_by_password", values={"count": still_by_password}))
    if old:
        found.append(Advice(level="soon", code="old_hashes", values={"count": old}))
    if exceptions:
        found.append(Advice(level="note", code="exceptions", values={"count": exceptions}))
    order: tuple[Level, ...] = ("now", "soon", "note")
    found.sort(key=lambda one: order.index(one.level))
    return tuple(found) or (Advice(level="note", code="all_well"),)


def _of_phase(phase: PhaseProgress, compared: Comparison | None) -> list[Advice]:
    names: dict[str, str | int | float] = {f"name_{locale}": text for locale, text in phase.name.items()}
    found: list[Advice] = []

    def say(level: Level, code: str, **values: str | int | float) -> None:
        found.append(Advice(level=level, code=code, values={**names, **values}))

    if compared is not None:
        if compared.success == "worse" and compared.smooth is not None:
            say("now", "less_smooth", points=-compared.smooth.value * 100)
        for row in compared.platforms:
            if row.worse:
                say("now", "platform", platform=row.platform, share=row.missed / row.tried)
        if compared.quickness == "worse" and compared.speed is not None:
            say("soon", "slower", seconds=compared.speed.value)
        if compared.success == "too_few" and compared.needed is not None and phase.state in ("piloting", "running"):
            say("note", "too_few", needed=compared.needed, count=compared.pilot.tried)
    if phase.stuck.get("tried"):
        say("now", "tried", count=phase.stuck["tried"])
    if phase.feedback_high is not None and phase.feedback_high < LOW_MARK and phase.feedback is not None:
        say("now", "low_mark", mark=phase.feedback, answers=phase.answers)
    if phase.forecast.slowing:
        say("soon", "slowing", pace=phase.forecast.pace)
    if phase.stuck.get("put_off"):
        say("soon", "put_off", count=phase.stuck["put_off"])
    if phase.stuck.get("reminded"):
        say("soon", "reminded", count=phase.stuck["reminded"])
    help_times = sum(row.times for row in phase.help if row.kind in ("recovery", "recovery_code"))
    if phase.reached and help_times > phase.reached / 20:
        say("soon", "much_help", count=help_times)
    return found
