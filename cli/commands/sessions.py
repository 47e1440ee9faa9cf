"""`munjigi sessions`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.asking import ask_engines

app = typer.Typer(help="All sessions at once.", no_args_is_help=True)


@app.command("end-all")
def sessions_end_all(
    why: Annotated[str, typer.Option(help="Kept in the audit record.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """End every session: after a restore, or a failover that may have lost commits. Interrupted, run it again."""
    from cli.sessions import count, end_all

    if not why.strip():
        raise typer.BadParameter("say why, for whoever reads the audit later", param_hint="--why")
    live = ask_engines(count)
    if not yes:
        typer.confirm(f"{live} sessions end, and everybody signs in again. Go on?", abort=True)
    with typer.progressbar(length=live, label="ending sessions") as bar:
        ended = ask_engines(lambda settings: end_all(settings, why.strip(), bar.update))
    typer.echo(f"{ended} sessions have ended")
