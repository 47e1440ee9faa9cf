"""`munjigi policy`: alone it runs the service; with a command it works on policies, from a desk or a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.commands.policy_decisions import explain, replay, shadow
from cli.commands.policy_options import AsJson, Confirm, Content, Folder, Number, Wait, Why, connection_of

app = typer.Typer(
    help="Run the policy admin API; or lint, test, compare, publish policies, from a desk or a pipeline.",
    invoke_without_command=True,
    no_args_is_help=False,
)


@app.callback()
def policy(
    context: typer.Context,
    address: Annotated[str, typer.Option(envvar="MJ_POLICY_ADDRESS", help="Of the gateway: https://console.…")] = "",
    issuer: Annotated[str, typer.Option(envvar="MJ_POLICY_ISSUER", help="Of the identity provider.")] = "",
    client_id: Annotated[str, typer.Option(envvar="MJ_POLICY_CLIENT_ID", help="Of the program that asks.")] = "",
    key_file: Annotated[
        str, typer.Option(envvar="MJ_POLICY_CLIENT_KEY_FILE", help="Where its private key stands (private_key_jwt).")
    ] = "",
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
    context.obj = Connection(address, issuer, client_id, key_file, secret_file, secret, resource, ca_file)


@app.command()
def lint(
    folder: Folder = Path(),
    strict: Annotated[bool, typer.Option("--strict", help="Warnings are errors.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for what is wrong with the policy in a folder. Asks nobody."""
    from cli.policies import at_desk
    from cli.policies.exits import told

    with told(as_json=as_json):
        at_desk.lint(folder, strict=strict, as_json=as_json)


@app.command("test")
def run_tests(
    context: typer.Context,
    folder: Folder = Path(),
    version: Annotated[int | None, typer.Option(min=1, help="Run the tests of this version, at the API.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the tests of the policy in a folder. Asks nobody, but with --version."""
    from cli.policies import at_desk, releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        if version is None:
            at_desk.test(folder, as_json=as_json)
        else:
            releases.test(connection_of(context), version, as_json=as_json)


@app.command()
def diff(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="A folder, or the number of a version.")] = ".",
    against: Annotated[str, typer.Option(help="Another folder or version; if not given, the published one.")] = "",
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 where there is a difference.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what one policy changes, compared with another."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.diff(connection_of(context), what, against, exit_code=exit_code, as_json=as_json)


@app.command("export")
def export_(
    context: typer.Context,
    folder: Folder,
    version: Annotated[int | None, typer.Option(min=1, help="If not given, the published one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a version into a folder, as files."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.export(connection_of(context), folder, version, as_json=as_json)


@app.command("import")
def import_(
    context: typer.Context,
    folder: Folder = Path(),
    why: Why = "",
    into: Annotated[int | None, typer.Option(min=1, help="Edit this draft, rather than make a new one.")] = None,
    casbin: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Rather than a folder: a model and a policy of Casbin's own.")
    ] = None,
    zone: Annotated[str, typer.Option(help="With --casbin: the zone that it is about.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a draft of the policy in a folder; prints its number."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        if casbin is not None:
            releases.take_over(connection_of(context), casbin, zone, why, as_json=as_json)
        else:
            releases.import_(connection_of(context), folder, why, into, as_json=as_json)


@app.command("list")
def list_(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List versions, the newest first."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.list_versions(connection_of(context), limit, as_json=as_json)


@app.command()
def show(
    context: typer.Context,
    version: Annotated[int | None, typer.Argument(min=1, help="If not given, the published one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one version: its state, its SHA-256, its approvals, its rules."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.show(connection_of(context), version, as_json=as_json)


@app.command()
def approve(
    context: typer.Context, version: Number, why: Why = "", sha256: Content = "", as_json: AsJson = False
) -> None:
    """Approve a draft that somebody else wrote."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.approve(connection_of(context), version, why, sha256, as_json=as_json)


@app.command()
def publish(
    context: typer.Context,
    version: Number,
    why: Why = "",
    sha256: Content = "",
    confirm: Confirm = None,
    wait: Wait = 0,
    as_json: AsJson = False,
) -> None:
    """Publish a draft."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.publish(connection_of(context), version, why, sha256, confirm or [], wait, as_json=as_json)


@app.command()
def rollback(
    context: typer.Context,
    to: Number,
    why: Why = "",
    confirm: Confirm = None,
    wait: Wait = 0,
    as_json: AsJson = False,
) -> None:
    """Publish an older version's content again."""
    from cli.policies import releases
    from cli.policies.exits import told

    with told(as_json=as_json):
        releases.roll_back(connection_of(context), to, why, confirm or [], wait, as_json=as_json)


for act in (shadow, explain, replay):
    app.command()(act)
