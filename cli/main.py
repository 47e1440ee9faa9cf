"""The entry point of `munjigi`. What a command needs is imported when that command runs, so that each starts fast."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from cli.services import Service
    from config.settings import Settings

app = typer.Typer(
    name="munjigi",
    help="Munjigi: an identity provider and a zero-trust gateway in one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
audit_app = typer.Typer(help="The tamper-evident record.", no_args_is_help=True)
clients_app = typer.Typer(help="The apps that people sign in to.", no_args_is_help=True)
sessions_app = typer.Typer(help="All sessions at once.", no_args_is_help=True)
keys_app = typer.Typer(help="The keys that sign tokens, assertions and the policy.", no_args_is_help=True)
Answer = TypeVar("Answer")
_WHERE = "`munjigi up` starts the embedded ones; MUNJIGI_DATABASE__URL and MUNJIGI_VALKEY__URL name others."
app.add_typer(audit_app, name="audit")
app.add_typer(sessions_app, name="sessions")
app.add_typer(keys_app, name="keys")
app.add_typer(clients_app, name="clients")


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
def policy() -> None:
    """Run the policy admin API."""
    _run("policy")


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
def worker(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="relay, activity, sweeper, audit, reservation, mail; all of them if not given."),
    ] = None,
) -> None:
    """Run the background jobs, or some of them, in one process."""
    from cli.services import WORKERS, workers

    for name in names or ():
        if name not in WORKERS:
            raise typer.BadParameter(f"{name}: there is no such worker; there are {', '.join(WORKERS)}")
    _run_service(workers(names or list(WORKERS)))


@app.command()
def migrate(
    target: Annotated[str, typer.Argument(help="up, down (one step), base, or a revision such as 0004.")] = "up",
) -> None:
    """Bring the database up or down."""
    from migrations.runner import migrate as run

    aims = {"up": "head", "down": "-1"}
    before, after = _ask_engines(lambda settings: run(settings, aims.get(target, target)))
    typer.echo(f"database: {before or 'empty'} -> {after or 'empty'}")


@app.command()
def demo() -> None:
    """Load the demo data; what is there already is left alone."""
    from cli.up import demo_data

    _ask_engines(demo_data)


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
def reference() -> None:
    """Make the pages under docs/reference/ anew, from the code and from what the migrations make."""
    from cli.reference import write_reference

    for path in write_reference():
        typer.echo(path)


@audit_app.command("verify")
def audit_verify() -> None:
    """Check that nothing in the record was changed, dropped or added since it was sealed."""
    from audit.verify import verify

    report = _ask_engines(verify)
    typer.echo(
        f"{report.records} records in {report.files} files and the trail, sealed by {report.entries} entries; "
        f"{report.waiting} files wait for their seal\nnewest hash: {report.head}"
    )
    for finding in report.findings:
        typer.echo(f"WRONG  {finding.fault}: {finding.where}: {finding.detail}")
    if not report.sound:
        raise typer.Exit(1)
    typer.echo("nothing that was sealed has been changed")


@sessions_app.command("end-all")
def sessions_end_all(
    why: Annotated[str, typer.Option(help="Kept in the audit record.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """End every session: after a restore, or a failover that may have lost commits. Interrupted, run it again."""
    from cli.sessions import count, end_all

    if not why.strip():
        raise typer.BadParameter("say why, for whoever reads the audit later", param_hint="--why")
    live = _ask_engines(count)
    if not yes:
        typer.confirm(f"{live} sessions end, and everybody signs in again. Go on?", abort=True)
    with typer.progressbar(length=live, label="ending sessions") as bar:
        ended = _ask_engines(lambda settings: end_all(settings, why.strip(), bar.update))
    typer.echo(f"{ended} sessions have ended")


class _Purposes(StrEnum):
    TOKEN = "token"  # noqa: S105 - the name of a purpose
    ASSERTION = "assertion"
    POLICY = "policy"
    ALL = "all"


@keys_app.command("list")
def keys_list() -> None:
    """Show each signing key, what it is, and until when."""
    from cli.keys import listed

    for line in _ask_engines(listed):
        typer.echo(line)


@keys_app.command("rotate")
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
    changed = _ask_engines(
        lambda settings: rotated(settings, purposes, why.strip() or "rotation by command", at_once=now)
    )
    for line in changed or ["a rotation is under way already; `munjigi keys list` shows it"]:
        typer.echo(line)


_Why = Annotated[str, typer.Option("--why", help="Kept in the audit record.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_File = Annotated[str, typer.Option("--file", help="JSON with the members of RFC 7591; - reads what comes in.")]
_ClientId = Annotated[str, typer.Argument(help="Its client_id.")]


@clients_app.command("list")
def clients_list(
    name: Annotated[str, typer.Option(help="Part of a name or of an id.")] = "", as_json: _Json = False
) -> None:
    """List clients."""
    from cli import clients

    clients.tell_list(_ask_engines(lambda settings: clients.found(settings, name)), as_json=as_json)


@clients_app.command("show")
def clients_show(client_id: _ClientId, as_json: _Json = False) -> None:
    """Show one client."""
    from cli import clients

    clients.tell(_ask_engines(lambda settings: clients.shown(settings, client_id)), as_json=as_json)


@clients_app.command("add")
def clients_add(file: _File, why: _Why = "", as_json: _Json = False) -> None:
    """Register a client; one that is there as the file says is left alone. Its secret is printed this once."""
    from cli import clients

    asked = clients.read_file(file)
    clients.tell(_ask_engines(lambda settings: clients.added(settings, asked, why)), as_json=as_json)


@clients_app.command("change")
def clients_change(client_id: _ClientId, file: _File, why: _Why = "", as_json: _Json = False) -> None:
    """Make what is registered of a client what the file says; what it leaves out is taken away."""
    from cli import clients

    asked = clients.read_file(file)
    clients.tell(_ask_engines(lambda settings: clients.changed(settings, client_id, asked, why)), as_json=as_json)


@clients_app.command("disable")
def clients_disable(client_id: _ClientId, why: _Why = "", as_json: _Json = False) -> None:
    """Switch a client off: it is refused everywhere at once."""
    from cli import clients

    question = clients.switched(client_id, why, enabled=False)
    clients.tell(_ask_engines(question), as_json=as_json)


@clients_app.command("enable")
def clients_enable(client_id: _ClientId, why: _Why = "", as_json: _Json = False) -> None:
    """Switch it on again."""
    from cli import clients

    question = clients.switched(client_id, why, enabled=True)
    clients.tell(_ask_engines(question), as_json=as_json)


@clients_app.command("secret")
def clients_secret(client_id: _ClientId, why: _Why = "", as_json: _Json = False) -> None:
    """Give a client another secret, printed this once; the one that it had stops at once."""
    from cli import clients

    clients.tell(_ask_engines(lambda settings: clients.new_secret(settings, client_id, why)), as_json=as_json)


@clients_app.command("remove")
def clients_remove(
    client_id: _ClientId,
    why: _Why = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a client, and whatever it could still renew, redeem or be told."""
    from cli import clients

    if not yes:
        typer.confirm(f"{client_id} is gone for good. Go on?", abort=True)
    removed = _ask_engines(lambda settings: clients.removed(settings, client_id, why))
    typer.echo(f"{client_id}: {'removed' if removed else 'there was none'}")


def _ask_engines(question: Callable[[Settings], Coroutine[Any, Any, Answer]]) -> Answer:
    """Run what needs the engines. Raises `NotNow` when they do not answer."""
    import asyncio

    from cli.checks import NotNow
    from config.settings import load_settings

    settings = load_settings()
    try:
        return asyncio.run(question(settings))
    except ConnectionError as error:
        raise NotNow(f"The engines do not answer ({error}). {_WHERE}") from error
    except FileNotFoundError as error:
        if settings.runtime.joinpath(".s.PGSQL.5432").exists():
            raise
        raise NotNow(f"The engines do not run. {_WHERE}") from error


def _run(name: str) -> None:
    from cli.services import BY_NAME

    _run_service(BY_NAME[name])


def _run_service(service: Service) -> None:
    from cli.checks import check_addresses
    from cli.process import run_service
    from config.engines.folders import make_var
    from config.settings import load_settings

    settings = load_settings()
    make_var(settings)
    if service.public:
        check_addresses(settings, (service.name,))
    run_service(service, settings)


if __name__ == "__main__":
    main()
