"""`munjigi passwords`, with what the person at the terminal sees of it."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from cli.documents import tell_document
from idp.credentials.breach_survey import Survey, size_of, survey
from idp.credentials.breached import RANGES

SHOWN = 20
"""Faults, and ranges that are not there, that the terminal shows."""


def surveyed(path: Path) -> Survey:
    """Read a copy, with a bar. Raises `typer.BadParameter` where there is none."""
    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()]
    last = TextColumn("{task.fields[hashes]:,} hashes")
    with Progress(*columns, last, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        try:
            task = bar.add_task(path.name, total=size_of(path), hashes=0)
            return survey(path, lambda read, hashes: bar.update(task, completed=read, hashes=hashes))
        except OSError as error:
            raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="FILE|FOLDER") from error


def tell(found: Survey, *, as_json: bool) -> None:
    """Counts and checksum; what is wrong goes to standard error."""
    for fault in found.faults[:SHOWN]:
        typer.echo(fault, err=True)
    if found.faulty > SHOWN:
        typer.echo(f"… and {found.faulty - SHOWN} more", err=True)
    if found.missing:
        named = ", ".join(found.missing[:SHOWN])
        more = ", …" if RANGES - found.ranges > SHOWN else ""
        typer.echo(f"no hashes of {RANGES - found.ranges} ranges: {named}{more}", err=True)
    document = {
        "sound": found.sound,
        "form": found.form,
        "hashes": found.hashes,
        "ranges": found.ranges,
        "faults": found.faulty,
        "checksum": found.checksum,
    }
    tell_document(document, as_json=as_json)
