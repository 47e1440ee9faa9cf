"""Programmes from a template: cohorts and phases whose dates are days from a start."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from config.entropy import Entropy
from idp.rollout.cohorts import Cohort, Rule, check_rule
from idp.rollout.phases import Dates, Demand, Phase, PhaseKind, Reminder, Thresholds
from idp.rollout.programme import Programme

SHIPPED: Final = Path(__file__).with_name("template.toml")
MOST_PHASES: Final = 30

Words = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^[^\x00]*\Z")]
Key = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,63}\Z")]
Day = Annotated[int, Meta(ge=0, le=3650)]


class Named(Struct, frozen=True, forbid_unknown_fields=True):
    """A name in both languages."""

    ko: Words
    en: Words


class Days(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days from the start."""

    announce: Day
    begin: Day
    enforce: Day
    end: Day

    def __post_init__(self) -> None:
        if not self.announce <= self.begin <= self.enforce <= self.end:
            raise ValueError("days: announce, begin, enforce and end follow each other")

    def from_start(self, start: datetime) -> Dates:
        """The dates."""
        return Dates(*(start + timedelta(days=day) for day in (self.announce, self.begin, self.enforce, self.end)))


class TemplatePhase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One phase."""

    key: Key
    name: Named
    kind: PhaseKind
    cohort: Words
    demand: Demand
    days: Days
    share: Annotated[int, Meta(ge=1, le=100)] = 100
    grace_days: Annotated[int, Meta(ge=0, le=365)] = 0
    reminders: Annotated[tuple[Reminder, ...], Meta(max_length=30)] = ()
    thresholds: Thresholds = Thresholds()


class Template(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A programme without dates."""

    name: Named
    cohorts: Mapping[Words, Rule]
    phases: Annotated[tuple[TemplatePhase, ...], Meta(min_length=1, max_length=MOST_PHASES)]

    def __post_init__(self) -> None:
        keys = [one.key for one in self.phases]
        if len(set(keys)) < len(keys):
            raise ValueError("phases: each key once")
        if unknown := {one.cohort for one in self.phases} - set(self.cohorts):
            raise ValueError(f"phases: no such cohorts: {', '.join(sorted(unknown))}")
        for rule in self.cohorts.values():
            check_rule(rule)


def shipped() -> Template:
    """The template that comes with the house."""
    return read(SHIPPED.read_text(encoding="utf-8"))


def read(text: str) -> Template:
    """A template as TOML. Raises `ValueError`, whose message says what is wrong with it."""
    return msgspec.convert(tomllib.loads(text), Template)


def instantiate(
    template: Template, organisation_id: UUID, start: datetime, *, locale: str, now: datetime, entropy: Entropy
) -> tuple[Programme, tuple[Cohort, ...], tuple[Phase, ...]]:
    """A programme of an organisation, its phases still drafts, with dates from `start`."""
    programme = Programme(
        id=entropy.uuid(),
        organisation_id=organisation_id,
        name=template.name.en if locale == "en" else template.name.ko,
        created_at=now,
    )
    cohorts = {
        name: Cohort(id=entropy.uuid(), programme_id=programme.id, name=name, rule=rule)
        for name, rule in template.cohorts.items()
    }
    phases = tuple(
        Phase(
            id=entropy.uuid(),
            programme_id=programme.id,
            position=position,
            key=one.key,
            name={"ko": one.name.ko, "en": one.name.en},
            kind=one.kind,
            cohort_id=cohorts[one.cohort].id,
            share=one.share,
            demand=one.demand,
            dates=one.days.from_start(start),
            grace_days=one.grace_days,
            reminders=one.reminders,
            thresholds=one.thresholds,
            state="draft",
        )
        for position, one in enumerate(template.phases, start=1)
    )
    return programme, tuple(cohorts.values()), phases
