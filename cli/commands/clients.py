"""`munjigi clients`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.asking import ask_engines

app = typer.Typer(help="The apps that people sign in to.", no_args_is_help=True)
_Why = Annotated[str, typer.Option("--why", help="Kept in the audit record.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_File = Annotated[str, typer.Option("--file", help="JSON with the members of RFC 7591; - reads what comes in.")]
_ClientId = Annotated[str, typer.Argument(help="Its client_id.")]


@app.command("list")
def clients_list(
    name: Annotated[str, typer.Option(help="Part of a name or of an id.")] = "", as_json: _Json = False
) -> None:
    """List clients."""
    from cli import clients

    clients.tell_list(ask_engines(lambda settings: clients.found(settings, name)), as_json=as_json)


@app.command("show")
def clients_show(client_id: _ClientId, as_json: _Json = False) -> None:
    """Show one client."""
    from cli import clients

    clients.tell(ask_engines(lambda settings: clients.shown(settings, client_id)), as_json=as_json)


@app.command("add")
def clients_add(file: _File, why: _Why = "", as_json: _Json = False) -> None:
    """Register a client; one that is there as the file says is left alone. Its secret is printed this once."""
    from cli import clients, documents

    asked = documents.read_file(file)
    clients.tell(ask_engines(lambda settings: clients.added(settings, asked, why)), as_json=as_json)


@app.command("change")
def clients_change(client_id: _ClientId, file: _File, why: _Why = "", as_json: _Json = False) -> None:
    """Make what is registered of a client what the file says; what it leaves out is taken away."""
    from cli import clients, documents

    asked = documents.read_file(file)
    clients.tell(ask_engines(lambda settings: clients.changed(settings, client_id, asked, why)), as_json=as_json)


@app.command("disable")
def clients_disable(client_id: _ClientId, why: _Why = "", as_json: _Json = False) -> None:
    """Switch a client off: it is refused everywhere at once."""
    from cli import clients

    question = clients.switched(client_id, why, enabled=False)
    clients.tell(ask_engines(question), as_json=as_json)


@app.command("enable")
def clients_enable(client_id: _ClientId, why: _Why = "", as_json: _Json = False) -> None:
    """Switch it on again."""
    from cli import clients

    question = clients.switched(client_id, why, enabled=True)
    clients.tell(ask_engines(question), as_json=as_json)


@app.command("secret")
def clients_secret(client_id: _ClientId, why: _Why = "", as_json: _Json = False) -> None:
    """Give a client another secret, printed this once; the one that it had stops at once."""
    from cli import clients

    clients.tell(ask_engines(lambda settings: clients.new_secret(settings, client_id, why)), as_json=as_json)


@app.command("remove")
def clients_remove(
    client_id: _ClientId,
    why: _Why = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a client, and whatever it could still renew, redeem or be told."""
    from cli import clients

    if not yes:
        typer.confirm(f"{client_id} is gone for good. Go on?", abort=True)
    removed = ask_engines(lambda settings: clients.removed(settings, client_id, why))
    typer.echo(f"{client_id}: {'removed' if removed else 'there was none'}")
