"""`munjigi organisations`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from cli.asking import ask_engines

app = typer.Typer(help="What organisations demand of their people.", no_args_is_help=True)
authentication = typer.Typer(
    help="Which keys an organisation takes, and which methods count there for which acr.", no_args_is_help=True
)
app.add_typer(authentication, name="authentication")
_Organisation = Annotated[UUID, typer.Argument(help="The id of an organisation.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@authentication.command("show")
def authentication_show(organisation: _Organisation, as_json: _Json = False) -> None:
    """Show what an organisation says."""
    from cli import organisations

    organisations.tell(ask_engines(lambda settings: organisations.shown(settings, organisation)), as_json=as_json)


@authentication.command("change")
def authentication_change(
    organisation: _Organisation,
    file: Annotated[str, typer.Option("--file", help="JSON as `show --json` prints it; - reads what comes in.")],
    why: Annotated[str, typer.Option("--why", help="Kept in the audit record.")] = "",
    as_json: _Json = False,
) -> None:
    """Make it what the file says; what it leaves out is as the product has it."""
    from cli import organisations

    asked = organisations.read_rules(file)
    changed = ask_engines(lambda settings: organisations.changed(settings, organisation, asked, why))
    organisations.tell(changed, as_json=as_json)
