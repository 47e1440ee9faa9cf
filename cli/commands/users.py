"""`munjigi users`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.asking import ask_engines
from cli.commands import user_resets

app = typer.Typer(
    help="People of other systems, brought in by files; resets of those who lost every factor.", no_args_is_help=True
)
app.add_typer(user_resets.app, name="reset")
_Why = Annotated[str, typer.Option("--why", help="Kept in the audit record.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Report = Annotated[
    Path | None, typer.Option("--report", help="Write a line of JSON for each person with whom something is wrong.")
]
_HashConfig = Annotated[
    Path | None, typer.Option("--hash-config", help="The hash parameters of a Firebase project, as JSON.")
]


@app.command("import")
def users_import(
    file: Annotated[Path | None, typer.Argument(help="CSV, JSON lines, or an export of Keycloak or Firebase.")] = None,
    organisation: Annotated[UUID | None, typer.Option(help="Whose people they become: its id.")] = None,
    format: Annotated[  # noqa: A002 - the option's name
        str | None, typer.Option(help="csv, jsonl, keycloak, firebase; by the name of the file if not given.")
    ] = None,
    role: Annotated[list[str] | None, typer.Option(help="A role for everybody, beside their own.")] = None,
    locale: Annotated[str, typer.Option(help="ko or en, of whoever's file does not say.")] = "ko",
    scheme: Annotated[
        str | None, typer.Option(help="Of all hashes, where they do not tell: docs/reference/password-hashes.md.")
    ] = None,
    hash_config: _HashConfig = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would come of it, and keep nothing.")] = False,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Keep nobody where something is wrong with anybody.")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, max=64, help="How many wrap weak hashes at once.")] = 1,
    report: _Report = None,
    undo: Annotated[UUID | None, typer.Option(help="Take this batch out again: whoever of it never signed in.")] = None,
    why: _Why = "",
    as_json: _Json = False,
) -> None:
    """Bring the people of a file in, or take them out again; interrupted, give the same command again."""
    from cli import users

    if undo is not None:
        if file is not None:
            raise typer.BadParameter("--undo takes a batch, and no file")
        taken = ask_engines(lambda settings: users.undone(settings, undo, why, report))
        users.tell_undone(taken, as_json=as_json)
        return
    asked = users.as_asked(
        file, organisation, format, role or (), locale, scheme, hash_config, all_or_nothing=all_or_nothing
    )
    brought = ask_engines(
        lambda settings: users.brought(settings, asked, why, report, dry_run=dry_run, processes=processes)
    )
    users.tell_brought(brought, as_json=as_json)
    if all_or_nothing and brought.counts.refused and brought.batch is None:
        raise typer.Exit(65)


@app.command("verify")
def users_verify(
    file: Annotated[Path, typer.Argument(help="What was imported, or a newer export of the same people.")],
    batch: Annotated[UUID | None, typer.Option(help="The batch; by the content of the file if not given.")] = None,
    hash_config: _HashConfig = None,
    report: _Report = None,
    as_json: _Json = False,
) -> None:
    """Compare a file with what is stored of it: counts, checksums, and who differs in what."""
    from cli import users

    found = ask_engines(lambda settings: users.verified(settings, file, batch, hash_config, report))
    users.tell_verified(found, as_json=as_json)
    if not found.sound:
        raise typer.Exit(1)


@app.command("imports")
def users_imports(as_json: _Json = False) -> None:
    """List what was imported, the newest first."""
    from cli import users

    users.tell_batches(ask_engines(users.batches), as_json=as_json)


@app.command("old-system")
def users_old_system(
    organisation: Annotated[UUID, typer.Argument(help="Whose old system it is: its id.")],
    address: Annotated[str, typer.Option(help="Where it is asked by POST about a password; https.")] = "",
    ending: Annotated[
        list[str] | None, typer.Option(help="Of login names that nobody has here, such as @example.com.")
    ] = None,
    role: Annotated[list[str] | None, typer.Option(help="A role for everybody who comes from there.")] = None,
    private: Annotated[
        list[str] | None, typer.Option(help="A network (CIDR) that is not public where it may stand.")
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Ask it no more.")] = False,
    although_needed: Annotated[
        bool, typer.Option("--although-needed", help="Even though people can sign in by it alone; asks for --why.")
    ] = False,
    why: _Why = "",
) -> None:
    """Have an organisation's old system asked at first sign-ins; its new secret is printed this once."""
    from idp import every_old_system

    if stop:
        gone = ask_engines(
            lambda settings: every_old_system.forget_old_system(
                settings, organisation, why, although_needed=although_needed
            )
        )
        typer.echo(f"{organisation}: {'asked no more' if gone else 'there was none'}")
        return
    given = every_old_system.Wanted(address=address, endings=ending or (), roles=role or (), private=private or ())
    typer.echo(ask_engines(lambda settings: every_old_system.name_old_system(settings, organisation, given, why)))
