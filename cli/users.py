"""`munjigi users`: files of people, with what the person at the terminal sees of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.documents import read_file, tell_document
from config.settings import Settings
from idp.every_import import Brought, every_import
from idp.importing.asked import Asked
from idp.importing.batch import Batch, Counts
from idp.importing.firebase import HashParameters
from idp.importing.importer import Faulty
from idp.importing.integrity import Integrity
from idp.importing.reading import FORMATS, Format, format_of

SHOWN = 20
"""Faults that the terminal shows; a report has all."""
LEFT_SHOWN = 10_000


def as_asked(
    file: Path | None,
    organisation: UUID | None,
    named_format: str | None,
    roles: Sequence[str],
    locale: str,
    scheme: str | None,
    hash_config: Path | None,
    *,
    all_or_nothing: bool,
) -> Asked:
    """What the command line says. Raises `typer.BadParameter` and `Unreadable`."""
    if file is None or organisation is None:
        raise typer.BadParameter("a file and --organisation are needed, or --undo")
    if not file.is_file():
        raise typer.BadParameter(f"{file} is no file", param_hint="FILE")
    if locale not in ("ko", "en"):
        raise typer.BadParameter("ko or en", param_hint="--locale")
    return Asked(
        path=file,
        format=_format(named_format) if named_format is not None else format_of(file),
        organisation_id=organisation,
        roles=tuple(roles),
        locale=locale,
        scheme=scheme,
        firebase_hashes=_hash_parameters(hash_config),
        all_or_nothing=all_or_nothing,
    )


async def brought(
    settings: Settings,
    asked: Asked,
    why: str,
    report: Path | None,
    *,
    dry_run: bool,
    processes: int,
) -> Brought:
    """Bring a file in, or say what would come of it."""
    async with every_import(settings, processes) as every:
        with _bar(asked.path) as told, _reporting(report) as faulty:
            if dry_run:
                return await every.survey(asked, told, faulty)
            return await every.bring(asked, why, told, faulty)


async def undone(settings: Settings, batch: UUID, why: str, report: Path | None) -> tuple[Batch, int]:
    """Take a batch out; how many of it are left."""
    async with every_import(settings) as every:
        found = await every.one(batch)
        with _counting("removed", found.counts.created) as counted:
            taken, left = await every.undo(batch, why, lambda removed, stay: counted(removed + stay))
        if left:
            with _reporting(report) as faulty:
                for line, name, reason in await every.why_left(taken, LEFT_SHOWN):
                    faulty(line, f"{name}: {reason}")
    return taken, left


async def verified(
    settings: Settings, file: Path, batch: UUID | None, hash_config: Path | None, report: Path | None
) -> Integrity:
    """Compare a file with what is stored of it."""
    async with every_import(settings) as every:
        found = await every.one(batch) if batch is not None else await every.of_file(file)
        with _bar(file) as told, _reporting(report) as faulty:
            return await every.verify(found, file, _hash_parameters(hash_config), told, faulty)


async def batches(settings: Settings) -> Sequence[Batch]:
    async with every_import(settings) as every:
        return await every.all()


def tell_brought(done: Brought, *, as_json: bool) -> None:
    """What became of everybody."""
    tell_document(
        {"batch": str(done.batch.id) if done.batch is not None else None, **_counts(done.counts)}, as_json=as_json
    )


def tell_undone(taken: tuple[Batch, int], *, as_json: bool) -> None:
    """How many are gone, and how many stay."""
    batch, left = taken
    tell_document({"batch": str(batch.id), "removed": batch.removed, "left": left}, as_json=as_json)


def tell_verified(found: Integrity, *, as_json: bool) -> None:
    """Both sides, and what was found."""
    document = {
        "sound": found.sound,
        "file": {"people": found.file.people, "checksum": found.file.checksum},
        "stored": {"people": found.stored.people, "checksum": found.stored.checksum},
        **{name: getattr(found, name) for name in _FOUND},
    }
    tell_document(document, as_json=as_json)


def tell_batches(found: Sequence[Batch], *, as_json: bool) -> None:
    """A table, or JSON, one batch a line."""
    if as_json:
        for one in found:
            typer.echo(msgspec.json.encode(_batch(one)))
        return
    table = Table()
    for column in ("batch", "file", "state", "created", "unchanged", "refused", "removed", "begun"):
        table.add_column(column, overflow="fold")
    for one in found:
        counts = (one.counts.created, one.counts.unchanged, one.counts.refused, one.removed)
        begun = one.started_at.astimezone().isoformat(sep=" ", timespec="seconds")
        table.add_row(str(one.id), one.source.file_name, one.state, *(str(count) for count in counts), begun)
    Console(highlight=False, markup=False).print(table)


_FOUND = ("same", "signed_in", "changed", "differs", "missing", "not_in_file", "refused")


def _batch(one: Batch) -> dict[str, object]:
    return {
        "batch": one.id,
        "organisation": one.source.organisation_id,
        "file": one.source.file_name,
        "format": one.source.format,
        "state": one.state,
        "removed": one.removed,
        "started_at": one.started_at,
        **_counts(one.counts),
    }


def _counts(counts: Counts) -> dict[str, object]:
    return {
        "read": counts.read,
        "created": counts.created,
        "unchanged": counts.unchanged,
        "refused": counts.refused,
        "passwords": counts.as_document(),
    }


def _format(named: str) -> Format:
    for known in FORMATS:
        if known == named:
            return known
    raise typer.BadParameter(f"one of {', '.join(FORMATS)}", param_hint="--format")


def _hash_parameters(path: Path | None) -> HashParameters | None:
    if path is None:
        return None
    try:
        return msgspec.convert(read_file(str(path)), HashParameters)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"{path}: {error}", param_hint="--hash-config") from error


@contextmanager
def _bar(path: Path) -> Iterator[Callable[[int, Counts], None]]:
    """A bar of the file's bytes, with how many people are through; nothing where nobody looks."""
    with _progress("{task.fields[people]:,} people") as bar:
        task = bar.add_task(path.name, total=path.stat().st_size, people=0)

        def told(bytes_read: int, counts: Counts) -> None:
            bar.update(task, completed=bytes_read, people=counts.read)

        yield told


@contextmanager
def _counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    with _progress() as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)


def _progress(more: str = "") -> Progress:
    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()]
    last = TextColumn(more) if more else MofNCompleteColumn()
    return Progress(*columns, last, TimeRemainingColumn(), console=console, disable=not console.is_terminal)


@contextmanager
def _reporting(path: Path | None) -> Iterator[Faulty]:
    """Takes what is wrong with lines: to a report, and the first of them to the terminal."""
    told = 0
    file = path.open("wb") if path is not None else None

    def faulty(line: int, what: str) -> None:
        nonlocal told
        if file is not None:
            file.write(msgspec.json.encode({"line": line, "what": what}) + b"\n")
        if told < SHOWN:
            typer.echo(f"line {line}: {what}", err=True)
        told += 1

    try:
        yield faulty
    finally:
        if file is not None:
            file.close()
        if told > SHOWN:
            where = f"see {path}" if path is not None else "--report FILE writes them all"
            typer.echo(f"… and {told - SHOWN} more; {where}", err=True)
