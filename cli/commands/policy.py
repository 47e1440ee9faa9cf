"""`munjigi policy`: alone it runs the service; with a command it works on policies, from a desk or a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.policies.connection import Connection

app = typer.Typer(
    help="Run the policy admin API; or lint, test, compare, publish policies, from a desk or a pipeline.",
    invoke_without_command=True,
    no_args_is_help=False,
)
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, errors too (on standard error).")]
_Why = Annotated[str, typer.Option("--why", help="Kept in the history and in the audit record.")]
_Number = Annotated[int, typer.Argument(min=1, help="The number of a version.")]
_Folder = Annotated[Path, typer.Argument(help="A folder with rules.csv and policy.toml.")]
_Wait = Annotated[float, typer.Option("--wait", min=0, help="Wait so many seconds until gateways decide by it.")]
_Confirm = Annotated[
    list[str] | None, typer.Option("--confirm", help="A zone or program that is to lose its way in, where it is meant.")
]
_Tag = Annotated[str, typer.Option("--sha256", help="Only if the draft still has this content, as `show` printed it.")]


@app.callback()
def policy(
    context: typer.Context,
    address: Annotated[str, typer.Option(envvar="MJ_POLICY_ADDRESS", help="Of the gateway: https://console.…")] = "",
    issuer: Annotated[str, typer.Option(envvar="MJ_POLICY_ISSUER", help="Of the identity provider.")] = "",
    client_id: Annotated[str, typer.Option(envvar="MJ_POLICY_CLIENT_ID", help="Of the program that asks.")] = "",
    secret_file: Annotated[
        str,
        typer.Option(
            envvar="MJ_POLICY_CLIENT_SECRET_FILE", help="Where its secret stands; or set MJ_POLICY_CLIENT_SECRET."
        ),
    ] = "",
    resource: Annotated[
        str, typer.Option(envvar="MJ_POLICY_RESOURCE", help="Ask for tokens that are good at this origin alone.")
    ] = "",
    ca_file: Annotated[str, typer.Option(envvar="MJ_POLICY_CA_FILE", help="Certificates to trust instead.")] = "",
) -> None:
    """Without a command: run the policy admin API."""
    if context.invoked_subcommand is None:
        from cli.process import run_alone
        from cli.services import BY_NAME

        run_alone(BY_NAME["policy"])
        return
    import os

    from cli.policies.connection import Connection

    secret = os.environ.get("MJ_POLICY_CLIENT_SECRET", "")
    context.obj = Connection(address, issuer, client_id, secret_file, secret, resource, ca_file)


def _connection(context: typer.Context) -> Connection:
    found: Connection = context.obj
    return found


@app.command()
def lint(
    folder: _Folder = Path(),
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors.")] = False,
    as_json: _Json = False,
) -> None:
    """Look for what is wrong with the policy in a folder. Asks nobody."""
    from cli.policies import at_desk
    from cli.policies.exits import told

    with told(as_json=as_json):
        at_desk.lint(folder, strict=strict, as_json=as_json)


@app.command("test")
def run_tests(
    context: typer.Context,
    folder: _Folder = Path(),
    version: Annotated[int | None, typer.Option(min=1, help="Run the tests of this version, at the API.")] = None,
    as_json: _Json = False,
) -> None:
    """Run the tests of the policy in a folder. Asks nobody, but with --version."""
    from cli.policies import at_desk, releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        if version is None:
            at_desk.test(folder, as_json=as_json)
        else:
            releases.test(_connection(context), version, as_json=as_json)


@app.command()
def diff(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="A folder, or the number of a version.")] = ".",
    against: Annotated[str, typer.Option(help="Another folder or version; if not given, the published one.")] = "",
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 where there is a difference.")] = False,
    as_json: _Json = False,
) -> None:
    """Show what one policy changes, compared with another."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.diff(_connection(context), what, against, exit_code=exit_code, as_json=as_json)


@app.command("export")
def export_(
    context: typer.Context,
    folder: _Folder,
    version: Annotated[int | None, typer.Option(min=1, help="If not given, the published one.")] = None,
    as_json: _Json = False,
) -> None:
    """Write a version into a folder, as files."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.export(_connection(context), folder, version, as_json=as_json)


@app.command("import")
def import_(
    context: typer.Context,
    folder: _Folder = Path(),
    why: _Why = "",
    into: Annotated[int | None, typer.Option(min=1, help="Edit this draft, rather than make a new one.")] = None,
    as_json: _Json = False,
) -> None:
    """Make a draft of the policy in a folder; prints its number."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.import_(_connection(context), folder, why, into, as_json=as_json)


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: _Json = False,
) -> None:
    """List versions, the newest first."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.list_versions(_connection(context), limit, as_json=as_json)


@app.command()
def show(
    context: typer.Context,
    version: Annotated[int | None, typer.Argument(min=1, help="If not given, the published one.")] = None,
    as_json: _Json = False,
) -> None:
    """Show one version: its state, its SHA-256, its approvals, its rules."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.show(_connection(context), version, as_json=as_json)


@app.command()
def approve(
    context: typer.Context, version: _Number, why: _Why = "", sha256: _Tag = "", as_json: _Json = False
) -> None:
    """Approve a draft that somebody else wrote."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.approve(_connection(context), version, why, sha256, as_json=as_json)


@app.command()
def publish(
    context: typer.Context,
    version: _Number,
    why: _Why = "",
    sha256: _Tag = "",
    confirm: _Confirm = None,
    wait: _Wait = 0,
    as_json: _Json = False,
) -> None:
    """Publish a draft."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.publish(_connection(context), version, why, sha256, confirm or [], wait, as_json=as_json)


@app.command()
def rollback(
    context: typer.Context,
    to: _Number,
    why: _Why = "",
    confirm: _Confirm = None,
    wait: _Wait = 0,
    as_json: _Json = False,
) -> None:
    """Publish an older version's content again."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.roll_back(_connection(context), to, why, confirm or [], wait, as_json=as_json)


@app.command()
def shadow(
    context: typer.Context,
    version: _Number,
    begin: Annotated[bool, typer.Option("--begin", help="Begin.")] = False,
    end: Annotated[bool, typer.Option("--end", help="End.")] = False,
    share: Annotated[float, typer.Option(min=0, max=1, help="Of the live requests.")] = 0.1,
    seconds: Annotated[int, typer.Option(min=10, help="How long, at most.")] = 3600,
    most: Annotated[int | None, typer.Option("--most", min=0, help="End with 1 if more would differ.")] = None,
    why: _Why = "",
    as_json: _Json = False,
) -> None:
    """Have live requests decided by a draft, too; without --begin and --end: what came of it so far."""
    from cli.policies import releases
    from cli.policies.exits import told

    if begin and end:
        raise typer.BadParameter("--begin or --end")
    with told(as_json=as_json):
        connection = _connection(context)
        if begin:
            releases.begin_shadow(connection, version, why, share, seconds, as_json=as_json)
        elif end:
            releases.end_shadow(connection, version, why, as_json=as_json)
        else:
            releases.shadow_report(connection, version, most, as_json=as_json)


@app.command()
def explain(
    context: typer.Context,
    decision: Annotated[str, typer.Argument(help="The id of a decision: the correlation id that people see.")] = "",
    request: Annotated[str, typer.Option(help="A made-up request: a file of JSON; - reads what comes in.")] = "",
    version: Annotated[int | None, typer.Option(min=1, help="By this version, rather than by its own.")] = None,
    folder: Annotated[Path | None, typer.Option(help="By the policy in a folder; with --request. Asks nobody.")] = None,
    as_json: _Json = False,
) -> None:
    """Say why something is decided as it is, and what would change it."""
    from cli.policies import explanations
    from cli.policies.exits import told

    if bool(decision) == bool(request):
        raise typer.BadParameter("name a decision, or --request")
    with told(as_json=as_json):
        if decision:
            explanations.of_decision(_connection(context), decision, version, as_json=as_json)
        elif folder is not None:
            explanations.at_desk(folder, request, as_json=as_json)
        else:
            explanations.of_request(_connection(context), request, version, as_json=as_json)


@app.command()
def replay(
    context: typer.Context,
    version: _Number,
    why: _Why = "",
    hours: Annotated[float, typer.Option(min=0.01, help="Of the last so many hours.")] = 24,
    most_lost: Annotated[int | None, typer.Option(min=0, help="End with 1 if more would lose access.")] = None,
    most_gained: Annotated[int | None, typer.Option(min=0, help="End with 1 if more would gain access.")] = None,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for the end of it.")] = 600,
    as_json: _Json = False,
) -> None:
    """Decide recorded requests again by a version: who would lose access, who would gain some."""
    from cli.policies import explanations
    from cli.policies.exits import told

    with told(as_json=as_json):
        explanations.replay(_connection(context), version, why, hours, most_lost, most_gained, wait, as_json=as_json)
