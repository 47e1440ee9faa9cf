"""`munjigi resources`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.asking import ask_engines

app = typer.Typer(help="The APIs that tokens are for, and their scopes.", no_args_is_help=True)
_Why = Annotated[str, typer.Option("--why", help="Kept in the audit record.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_File = Annotated[str, typer.Option("--file", help="JSON as `show --json` prints it; - reads what comes in.")]
_Identifier = Annotated[str, typer.Argument(help="What clients name by `resource` (RFC 8707).")]


@app.command("list")
def resources_list(as_json: _Json = False) -> None:
    """List the APIs that are described."""
    from cli import resources

    resources.tell_list(ask_engines(resources.found), as_json=as_json)


@app.command("show")
def resources_show(identifier: _Identifier, as_json: _Json = False) -> None:
    """Show one API."""
    from cli import resources

    resources.tell(ask_engines(lambda settings: resources.shown(settings, identifier)), as_json=as_json)


@app.command("add")
def resources_add(file: _File, why: _Why = "", as_json: _Json = False) -> None:
    """Describe an API; one that is there as the file says is left alone."""
    from cli import resources

    asked = resources.read_resource(file)
    resources.tell(ask_engines(lambda settings: resources.added(settings, asked, why)), as_json=as_json)


@app.command("change")
def resources_change(identifier: _Identifier, file: _File, why: _Why = "", as_json: _Json = False) -> None:
    """Make what is said of an API what the file says; what it leaves out is said no longer."""
    from cli import resources

    asked = resources.read_resource(file)
    resources.tell(ask_engines(lambda settings: resources.changed(settings, identifier, asked, why)), as_json=as_json)


@app.command("remove")
def resources_remove(
    identifier: _Identifier,
    why: _Why = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Describe an API no longer: what it limited is limited by what clients registered alone."""
    from cli import resources

    if not yes:
        typer.confirm(f"What is said of {identifier} is gone for good. Go on?", abort=True)
    removed = ask_engines(lambda settings: resources.removed(settings, identifier, why))
    typer.echo(f"{identifier}: {'removed' if removed else 'there was none'}")
