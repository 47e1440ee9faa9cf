"""The entry point of `munjigi`. What a command needs is imported when that command runs, so that each starts fast."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli.asking import ask_engines
from cli.commands import audit, clients, keys, organisations, passwords, policy, resources, rollout, sessions, users

app = typer.Typer(
    name="munjigi",
    help="Munjigi: an identity provider and a zero-trust gateway in one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for name, group in (
    ("audit", audit),
    ("sessions", sessions),
    ("keys", keys),
    ("clients", clients),
    ("resources", resources),
    ("organisations", organisations),
    ("policy", policy),
    ("users", users),
    ("passwords", passwords),
    ("rollout", rollout),
):
    app.add_typer(group.app, name=name)


def main() -> None:
    """Run the command line. An error is told in a paragraph; its exit status is one of sysexits.h."""
    try:
        app()
    except Exception as error:
        from cli.failures import complain

        raise SystemExit(complain(error)) from None


@app.command()
def up(
    demo: Annotated[bool, typer.Option(help="Load the demo data when the data are new.")] = True,
    reload: Annotated[bool, typer.Option(help="Start the services again when their code changes.")] = False,
) -> None:
    """Start everything on this machine: engines, services, workers."""
    from cli.up import up as start
    from config.settings import load_settings

    start(load_settings(), demo=demo, reload=reload)


@app.command()
def idp() -> None:
    """Run the identity provider."""
    _run("idp")


@app.command()
def gateway() -> None:
    """Run the gateway."""
    _run("gateway")


@app.command()
def console() -> None:
    """Run the console."""
    _run("console")


@app.command()
def administration() -> None:
    """Run the identity admin API."""
    _run("administration")


@app.command()
def commerce() -> None:
    """Run the commerce service."""
    _run("commerce")


@app.command()
def reservation() -> None:
    """Run the reservation service."""
    _run("reservation")


@app.command()
def inbox() -> None:
    """Run the local inbox, which takes the mails where no mail server is set."""
    _run("inbox")


@app.command()
def payments() -> None:
    """Run the payment sandbox, which pretends to take money where no provider is set."""
    _run("payments")


@app.command()
def worker(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="relay, activity, sweeper, rollout, audit, decisions, reservation, shop, mail; all if not given."
        ),
    ] = None,
) -> None:
    """Run the background jobs, or some of them, in one process."""
    from cli.process import run_alone
    from cli.services import WORKERS, workers

    for name in names or ():
        if name not in WORKERS:
            raise typer.BadParameter(f"{name}: there is no such worker; there are {', '.join(WORKERS)}")
    run_alone(workers(names or list(WORKERS)))


@app.command()
def migrate(
    target: Annotated[str, typer.Argument(help="up, down (one step), base, or a revision such as 0004.")] = "up",
) -> None:
    """Bring the database up or down."""
    from migrations.runner import migrate as run

    aims = {"up": "head", "down": "-1"}
    before, after = ask_engines(lambda settings: run(settings, aims.get(target, target)))
    typer.echo(f"database: {before or 'empty'} -> {after or 'empty'}")


@app.command()
def demo() -> None:
    """Load the demo data; what is there already is left alone."""
    from cli.up import demo_data

    ask_engines(demo_data)


@app.command()
def doctor(
    settings: Annotated[bool, typer.Option("--settings", help="List every setting, and check nothing.")] = False,
) -> None:
    """Check settings, engines, addresses, migrations and secrets."""
    if settings:
        from cli.settings_list import settings_list

        typer.echo(settings_list())
        return
    from cli.doctor import examine

    if not examine(sys.stdout):
        raise typer.Exit(1)


@app.command()
def reference(
    diagrams: Annotated[bool, typer.Option(help="Those of the data model alone, with their page.")] = False,
) -> None:
    """Make the pages under docs/reference/ anew, from the code and from what the migrations make."""
    from cli.reference import write_reference

    for path in write_reference(diagrams_alone=diagrams):
        typer.echo(path)


def _run(name: str) -> None:
    from cli.process import run_alone
    from cli.services import BY_NAME

    run_alone(BY_NAME[name])


if __name__ == "__main__":
    main()
