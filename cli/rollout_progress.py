"""`munjigi rollout`: how people sign in, and how far a programme is, as whoever is at the terminal sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from config.settings import Settings
from idp.every_progress import every_progress
from idp.rollout.analysis import Analysis
from idp.rollout.methods import READINESS
from idp.rollout.progress import PhaseProgress
from idp.rollout.report import Report
from idp.rollout.report_paper import forecast_words
from idp.rollout.saying import Saying
from pages.locale import LOCALES, Locale


def as_locale(text: str) -> Locale:
    """A language. Raises `typer.BadParameter`."""
    for locale in LOCALES:
        if locale == text:
            return locale
    raise typer.BadParameter("ko or en", param_hint="--locale")


async def analysed(settings: Settings, organisation: UUID | None, days: int) -> Analysis:
    async with every_progress(settings) as every:
        return await every.analysis(organisation, days)


async def analysis_paper(settings: Settings, organisation: UUID | None, days: int, locale: Locale) -> bytes:
    async with every_progress(settings) as every:
        return await every.analysis_paper(organisation, days, locale)


async def progressed(settings: Settings, programme: UUID) -> Sequence[PhaseProgress]:
    async with every_progress(settings) as every:
        return await every.progress(programme)


async def reported(settings: Settings, programme: UUID) -> Report:
    async with every_progress(settings) as every:
        return (await every.report(programme))[0]


async def report_paper(settings: Settings, programme: UUID, locale: Locale) -> bytes:
    async with every_progress(settings) as every:
        return await every.report_paper(programme, locale)


def write(path: Path, pdf: bytes) -> None:
    """Keep a PDF, and say where."""
    path.write_bytes(pdf)
    typer.echo(f"{path}: {len(pdf)} bytes")


def tell_analysis(one: Analysis, locale: Locale, *, as_json: bool) -> None:
    """What was found in sentences and groups, or JSON."""
    if as_json:
        typer.echo(msgspec.json.encode(one))
        return
    say = Saying(locale, "UTC")
    typer.echo(say("analysis.people", people=one.people, locked=one.locked))
    for finding in one.findings:
        typer.echo(f"- {say.found(finding.code, finding.values)}")
    table = Table()
    for column in ("", say("analysis.count"), *(say(f"ready.{ready}") for ready in READINESS)):
        table.add_column(column, overflow="fold")
    for group in one.groups:
        named = say(f"at_risk.{group.key}") if group.by == "risk" else group.name or say("analysis.no_role")
        table.add_row(
            say("analysis.all") if group.by == "all" else named,
            say.number(group.people),
            *(say.percent(group.share(ready)) for ready in READINESS),
        )
    Console(highlight=False, markup=False).print(table)


def tell_progress(phases: Sequence[PhaseProgress], locale: Locale, *, as_json: bool) -> None:
    """A row for each phase, or JSON, one a line."""
    if as_json:
        for one in phases:
            typer.echo(msgspec.json.encode(one))
        return
    say = Saying(locale, "UTC")
    table = Table()
    for column in ("phase", "people", "enrolled", "success", "failed", "forecast"):
        table.add_column(say(f"report.{column}"), overflow="fold")
    for one in phases:
        share = f" · {say.percent(one.enrolled / one.reached)}" if one.reached else ""
        table.add_row(
            f"{say.named(one.name)} · {say(f'phase_state.{one.state}')}",
            say.number(one.reached),
            f"{say.number(one.enrolled)}{share}",
            say.number(one.succeeded),
            say.number(one.failed + one.given_up),
            forecast_words(one.forecast, say),
        )
    Console(highlight=False, markup=False).print(table)


def tell_report(one: Report, locale: Locale, *, as_json: bool) -> None:
    """What to do better, or JSON of all of it."""
    if as_json:
        typer.echo(msgspec.json.encode(one))
        return
    say = Saying(locale, "UTC")
    typer.echo(say("report.title", programme=one.programme))
    for advice in one.advice:
        typer.echo(f"- {say.advised(advice.code, advice.values)}")
