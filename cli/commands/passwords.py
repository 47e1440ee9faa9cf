"""`munjigi passwords`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="What new passwords are held against.", no_args_is_help=True)


@app.callback()
def passwords() -> None:
    """What new passwords are held against."""


@app.command("breached")
def passwords_breached(
    copy: Annotated[
        Path, typer.Argument(metavar="FILE|FOLDER", help="A copy of Pwned Passwords, as its own downloader writes it.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read all of a copy of leaked passwords: how much it has, whether it is whole and in order, which it is."""
    from cli import passwords as shown

    found = shown.surveyed(copy)
    shown.tell(found, as_json=as_json)
    if not found.sound:
        raise typer.Exit(1)
