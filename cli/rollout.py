"""`munjigi rollout`: the programme that leads people from passwords to MFA and passwordless."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cli.documents import tell_document
from config.settings import Settings
from idp.every_programme import Shown, every_programme
from idp.rollout.exceptions import PhaseException
from idp.rollout.phases import Act, Phase
from idp.rollout.programme import Preview
from idp.rollout.template import SHIPPED, Template, read


def as_template(path: Path | None) -> Template:
    """The template of a file, or the shipped one. Raises `typer.BadParameter`."""
    source = path or SHIPPED
    try:
        return read(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{source}: {error}", param_hint="--template") from error


def needs_reason(why: str) -> None:
    """Nothing is done to people without one. Raises `typer.BadParameter`."""
    if not why.strip():
        raise typer.BadParameter("a reason is needed: it stands in the phase's history", param_hint="--why")


def as_moment(text: str, hint: str) -> datetime:
    """A date (its beginning, UTC) or a moment with its offset. Raises `typer.BadParameter`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("such as 2027-01-04 or 2027-01-04T09:00:00+09:00", param_hint=hint) from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


async def begun(
    settings: Settings, organisation: UUID, template: Template, start: datetime, locale: str, why: str, *, by_hand: bool
) -> Shown:
    async with every_programme(settings) as every:
        return await every.begin(organisation, template, start, locale, why, by_hand=by_hand)


async def found(settings: Settings, programme: UUID | None) -> Sequence[Shown]:
    async with every_programme(settings) as every:
        return [await every.one(programme)] if programme is not None else await every.all()


async def taken_on(
    settings: Settings, programme: UUID, phase: str, act: Act, why: str, share: int | None = None
) -> Phase:
    async with every_programme(settings) as every:
        return await every.act(programme, phase, act, why, share)


async def previewed(settings: Settings, programme: UUID, phase: str, limit: int) -> Preview:
    async with every_programme(settings) as every:
        return await every.preview(programme, phase, limit)


async def granted(
    settings: Settings, programme: UUID, phase: str, name: str, until: datetime, why: str
) -> PhaseException:
    async with every_programme(settings) as every:
        return await every.grant(programme, phase, name, until, why)


async def withdrawn(settings: Settings, programme: UUID, exception: UUID, why: str) -> PhaseException:
    async with every_programme(settings) as every:
        return await every.withdraw(programme, exception, why)


async def exceptions(settings: Settings, programme: UUID) -> Sequence[tuple[PhaseException, bool]]:
    async with every_programme(settings) as every:
        return await every.exceptions(programme)


async def legacy(settings: Settings, organisation: UUID) -> tuple[dict[str, int], int, bool]:
    async with every_programme(settings) as every:
        return await every.legacy(organisation)


def tell(shown: Sequence[Shown], *, as_json: bool) -> None:
    """A table of phases for each programme, or JSON, one programme a line."""
    console = Console(highlight=False, markup=False)
    for one in shown:
        if as_json:
            typer.echo(msgspec.json.encode(_document(one)))
            continue
        goes = f"by its dates since {_day(one.programme.started_at)}" if one.programme.started_at else "by hand"
        typer.echo(f"{one.programme.id}  {one.programme.name}  (goes on {goes})")
        table = Table()
        for column in ("phase", "state", "share", "announced", "begins", "enforced", "ends", "possible now"):
            table.add_column(column, overflow="fold")
        for view in one.phases:
            phase, dates = view.phase, view.phase.dates
            possible = ", ".join(f"{act} ({why.value})" if why else act for act, why in view.acts.items())
            days = (_day(at) for at in (dates.announce_at, dates.begin_at, dates.enforce_at, dates.end_at))
            table.add_row(phase.key, phase.state, f"{phase.share} %", *days, possible)
        console.print(table)


def tell_phase(phase: Phase, *, as_json: bool) -> None:
    """What became of one."""
    document = {"phase": phase.key, "state": phase.state, "share": phase.share, "version": phase.version}
    tell_document(document, as_json=as_json)


def tell_preview(preview: Preview, *, as_json: bool) -> None:
    """How many, and some of them."""
    if as_json:
        typer.echo(msgspec.json.encode(preview))
        return
    typer.echo(f"{preview.total} people, of whom {preview.ready} have what is asked for")
    table = Table()
    for column in ("name", "mail", "has", "excepted"):
        table.add_column(column, overflow="fold")
    for one in preview.people:
        table.add_row(one.name, one.email or "", ", ".join(one.enrolled), "yes" if one.excepted else "")
    Console(highlight=False, markup=False).print(table)


def tell_exceptions(some: Sequence[tuple[PhaseException, bool]], *, as_json: bool) -> None:
    """A table, or JSON, one a line."""
    if as_json:
        for one, holds in some:
            typer.echo(msgspec.json.encode({**msgspec.to_builtins(one), "holds": holds}))
        return
    table = Table()
    for column in ("exception", "person", "until", "holds", "why", "by"):
        table.add_column(column, overflow="fold")
    for one, holds in some:
        table.add_row(str(one.id), str(one.user_id), _day(one.until), "yes" if holds else "", one.why, one.who)
    Console(highlight=False, markup=False).print(table)


def tell_legacy(counted: tuple[dict[str, int], int, bool], *, as_json: bool) -> None:
    """Who depends on what an old system made."""
    schemes, without, named = counted
    tell_document({"schemes": schemes, "without_password": without, "old_system": named}, as_json=as_json)


def _document(one: Shown) -> dict[str, object]:
    return {
        "programme": one.programme.id,
        "name": one.programme.name,
        "organisation": one.programme.organisation_id,
        "started_at": one.programme.started_at,
        "phases": [
            {
                "phase": view.phase.key,
                "state": view.phase.state,
                "share": view.phase.share,
                "announce_at": view.phase.dates.announce_at,
                "begin_at": view.phase.dates.begin_at,
                "enforce_at": view.phase.dates.enforce_at,
                "end_at": view.phase.dates.end_at,
                "possible": {act: why.value if why else None for act, why in view.acts.items()},
            }
            for view in one.phases
        ],
    }


def _day(at: datetime | None) -> str:
    return at.astimezone().date().isoformat() if at is not None else ""
