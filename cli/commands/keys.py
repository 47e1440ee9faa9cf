"""`munjigi keys`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.asking import ask_engines

if TYPE_CHECKING:
    from jose.keys import Purpose

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

    purposes = _named(purpose)
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


@app.command("prepare")
def keys_prepare(
    purpose: Annotated[_Purposes, typer.Option(help="Whose keys.")] = _Purposes.TOKEN,
    why: Annotated[str, typer.Option(help="Kept in the audit record.")] = "",
) -> None:
    """Publish the next key before it is due, so that a rotation after that need not wait until everybody knows it."""
    from cli.keys import prepared

    changed = ask_engines(lambda settings: prepared(settings, _named(purpose), why.strip() or "prepared by command"))
    for line in changed or ["the next key is there already; `munjigi keys list` shows it"]:
        typer.echo(line)


@app.command("retire")
def keys_retire(
    kid: Annotated[str, typer.Argument(help="As `munjigi keys list` shows it.")],
    why: Annotated[str, typer.Option(help="Kept in the audit record.")],
) -> None:
    """Believe a key no more that does not sign: what it signed is refused at once."""
    from cli.keys import retired
    from jose.rotation import StillSigns

    if not why.strip():
        raise typer.BadParameter("say why, for whoever reads the audit later", param_hint="--why")
    try:
        changed = ask_engines(lambda settings: retired(settings, kid, why.strip()))
    except StillSigns:
        raise typer.BadParameter("it signs at the moment: rotate first", param_hint="KID") from None
    if not changed:
        raise typer.BadParameter("there is no such key, or not any more", param_hint="KID")
    for line in changed:
        typer.echo(line)


def _named(purpose: _Purposes) -> Sequence[Purpose]:
    from jose.keys import PURPOSES

    return [one for one in PURPOSES if purpose in (_Purposes.ALL, one)]
