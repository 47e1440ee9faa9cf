"""`munjigi keys`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cli.asking import ask_engines

app = typer.Typer(help="The keys that sign tokens, assertions and the policy.", no_args_is_help=True)


class _Purposes(StrEnum):
    TOKEN = "token"  # noqa: S105 - the name of a purpose
    ASSERTION = "assertion"
    POLICY = "policy"
    ALL = "all"


@app.command("list")
def keys_list() -> None:
    """Show each signing key, what it is, and until when."""
    from cli.keys import listed

    for line in ask_engines(listed):
        typer.echo(line)


@app.command("rotate")
def keys_rotate(
    purpose: Annotated[_Purposes, typer.Option(help="Whose keys.")] = _Purposes.TOKEN,
    now: Annotated[bool, typer.Option("--now", help="They leaked: nothing that they signed is believed.")] = False,
    why: Annotated[str, typer.Option(help="Kept in the audit record; `--now` needs it.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Let the next key sign as soon as everybody knows it; no token fails for it. With `--now`: at once, at a price."""
    from cli.keys import price, rotated
    from jose.keys import PURPOSES

    purposes = [one for one in PURPOSES if purpose in (_Purposes.ALL, one)]
    if now:
        if not why.strip():
            raise typer.BadParameter("say why, for whoever reads the audit later", param_hint="--why")
        for line in price(purposes):
            typer.echo(line)
        if not yes:
            typer.confirm("Go on?", abort=True)
    changed = ask_engines(
        lambda settings: rotated(settings, purposes, why.strip() or "rotation by command", at_once=now)
    )
    for line in changed or ["a rotation is under way already; `munjigi keys list` shows it"]:
        typer.echo(line)
