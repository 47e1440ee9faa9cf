"""`munjigi audit`."""

from __future__ import annotations

import typer

from cli.asking import ask_engines

app = typer.Typer(help="The tamper-evident record.", no_args_is_help=True)


@app.command("verify")
def audit_verify() -> None:
    """Check that nothing in the record was changed, dropped or added since it was sealed."""
    from audit.verify import verify

    report = ask_engines(verify)
    typer.echo(
        f"{report.records} records in {report.files} files and the trail, sealed by {report.entries} entries; "
        f"{report.waiting} files wait for their seal\nnewest hash: {report.head}"
    )
    for finding in report.findings:
        typer.echo(f"WRONG  {finding.fault}: {finding.where}: {finding.detail}")
    if not report.sound:
        raise typer.Exit(1)
    typer.echo("nothing that was sealed has been changed")
