"""Programmes, as the API says and asks of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from idp.administration.documents import Why
from idp.rollout.cohorts import Rule
from idp.rollout.phases import Act, Demand, Method, PhaseKind, PhaseState, Reminder, Thresholds
from idp.rollout.programme import EventAct
from idp.rollout.reminders import Occasion
from idp.rollout.template import Template, Words

Version = Annotated[int, Meta(ge=1, lt=2**53)]
Texts = Mapping[str, Mapping[str, Mapping[str, str]]]
Moment = Annotated[datetime, Meta(tz=True)]


class ProgrammeEntry(Struct, frozen=True, kw_only=True):
    """A programme in a list."""

    id: UUID
    organisation_id: UUID
    name: str
    started_at: datetime | None
    """From when on its phases go on by their dates; null: somebody does every act."""
    version: int
    created_at: datetime


class ProgrammeList(Struct, frozen=True):
    programmes: tuple[ProgrammeEntry, ...]
    next: str | None


class CohortEntry(Struct, frozen=True):
    """A rule with a name."""

    id: UUID
    name: str
    rule: Rule


class PhaseDates(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """They follow each other."""

    announce: Moment
    begin: Moment
    enforce: Moment
    end: Moment


class ActNow(Struct, frozen=True):
    """What the state of a phase lets happen now."""

    act: Act
    hindered_by: str | None
    """Why it cannot be done all the same; null: it can."""


class MeasuredEntry(Struct, frozen=True):
    """What came of sign-ins, by what a phase brings, of people whom it reached."""

    successes: int
    failures: int
    feedback: float | None
    """The mean of what they said, 1 to 5; null: nobody said anything yet."""


class PhaseEntry(Struct, frozen=True, kw_only=True):
    """One phase, with what can be done now."""

    id: UUID
    position: int
    key: str
    name: Mapping[str, str]
    kind: PhaseKind
    state: PhaseState
    cohort_id: UUID
    share: int
    demand: Demand
    dates: PhaseDates
    grace_days: int
    reminders: tuple[Reminder, ...]
    thresholds: Thresholds
    begun_at: datetime | None
    version: int
    acts: tuple[ActNow, ...]
    measured: MeasuredEntry


class ProgrammeDocument(Struct, frozen=True, kw_only=True):
    """A programme, whole."""

    id: UUID
    organisation_id: UUID
    name: str
    texts: Texts
    started_at: datetime | None
    version: int
    created_at: datetime
    cohorts: tuple[CohortEntry, ...]
    phases: tuple[PhaseEntry, ...]


class ProgrammeRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new programme from a template, by default the shipped one."""

    why: Why
    organisation_id: UUID
    start: Moment
    """From when the days of the template are counted."""
    locale: Literal["ko", "en"] = "ko"
    """Of its name."""
    template: Template | None = None
    go_on: bool = False
    """Its phases go on by their dates at once."""


class ProgrammeChange(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another name, other words."""

    why: Why
    version: Version
    name: Words
    texts: Texts
    """By occasion (announced, begins, before, enforced, closed, after, rolled_back), `ko` and `en`, `subject` and
    `text`; placeholders: {name} {organisation} {phase} {begin} {enforce} {days} {methods}. What is left out is said in
    the shipped words."""


class NoticePreviewRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Words that nobody has kept yet."""

    phase_id: UUID
    """Whose dates and methods they are filled with."""
    texts: Texts


class NoticeWords(Struct, frozen=True):
    """As somebody reads it."""

    subject: str
    text: str


class NoticePreview(Struct, frozen=True, kw_only=True):
    """What is written on one occasion."""

    occasion: Occasion
    own: bool
    """It is said in the programme's own words; otherwise in the shipped ones."""
    said: Mapping[Literal["ko", "en"], NoticeWords]
    """The words, placeholders and all."""
    filled: Mapping[Literal["ko", "en"], NoticeWords]
    """As somebody called 김하늘, in English Haneul Kim, would read them today."""


class NoticePreviews(Struct, frozen=True):
    notices: tuple[NoticePreview, ...]


class CohortRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A cohort, new or changed."""

    why: Why
    name: Words
    rule: Rule


class PhaseRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What of a phase is written anew; what is left out stays."""

    why: Why
    version: Version
    cohort_id: UUID | None = None
    share: Annotated[int, Meta(ge=1, le=100)] | None = None
    demand: Demand | None = None
    dates: PhaseDates | None = None
    grace_days: Annotated[int, Meta(ge=0, le=365)] | None = None
    reminders: Annotated[tuple[Reminder, ...], Meta(max_length=30)] | None = None
    thresholds: Thresholds | None = None


class ActRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Take a phase on."""

    why: Why
    version: Version
    share: Annotated[int, Meta(ge=1, le=100)] | None = None
    """To how much of the cohort it is widened."""


class HitEntry(Struct, frozen=True):
    """Somebody who would be hit."""

    id: UUID
    name: str
    enrolled: tuple[Method, ...]
    excepted: bool


class PreviewDocument(Struct, frozen=True):
    """How many people a rule is about, how many of them have what is asked for, and some of them."""

    total: int
    ready: int
    people: tuple[HitEntry, ...]


class EventEntry(Struct, frozen=True, kw_only=True):
    """Something that was done to a phase."""

    at: datetime
    act: EventAct
    from_state: str
    to_state: str
    who: str
    why: str
    details: Mapping[str, Any]


class EventList(Struct, frozen=True):
    events: tuple[EventEntry, ...]
    next: str | None


class ExceptionEntry(Struct, frozen=True, kw_only=True):
    """A phase demands nothing of somebody until a date."""

    id: UUID
    phase_id: UUID
    user_id: UUID
    until: datetime
    why: str
    who: str
    granted_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    holds: bool


class ExceptionList(Struct, frozen=True):
    exceptions: tuple[ExceptionEntry, ...]
    next: str | None


class ExceptionRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An exception, in place of one that the person has in this phase."""

    why: Why
    phase_id: UUID
    user_id: UUID
    until: Moment


class ProgrammeRemoved(Struct, frozen=True):
    removed: UUID


class LegacyHashes(Struct, frozen=True):
    """Who still depends on what an old system made."""

    schemes: Mapping[str, int]
    """People by the scheme of their hash, as far as another system made it."""
    without_password: int
    """People who have none here: at their first sign-in the old system is asked, where one is named."""
    old_system: bool
