"""`munjigi users reset`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from cli.asking import ask_engines

app = typer.Typer(help="Let somebody begin anew who lost every factor: two administrators.", no_args_is_help=True)
_By = Annotated[str, typer.Option("--by", help="The administrator who does it: their login name.")]
_Why = Annotated[str, typer.Option("--why", help="Kept in the audit record.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Reset = Annotated[UUID, typer.Argument(metavar="RESET", help="Its id.")]


@app.command("ask")
def reset_ask(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who lost their factors: their login name.")],
    by: _By,
    why: _Why,
    as_json: _Json = False,
) -> None:
    """Ask for it. The code is printed this once, and works when another administrator has agreed."""
    from cli import user_resets

    user_resets.tell_asked(ask_engines(lambda settings: user_resets.asked(settings, name, by, why)), as_json=as_json)


@app.command("approve")
def reset_approve(reset: _Reset, by: _By, why: _Why, as_json: _Json = False) -> None:
    """Agree to what another administrator asked for."""
    from cli import user_resets

    done = ask_engines(lambda settings: user_resets.decided(settings, reset, by, why, approve=True))
    user_resets.tell(done, as_json=as_json)


@app.command("refuse")
def reset_refuse(reset: _Reset, by: _By, why: _Why, as_json: _Json = False) -> None:
    """Refuse it, or withdraw it."""
    from cli import user_resets

    done = ask_engines(lambda settings: user_resets.decided(settings, reset, by, why, approve=False))
    user_resets.tell(done, as_json=as_json)


@app.command("list")
def reset_list(
    state: Annotated[str | None, typer.Option(help="asked, approved, refused, used, stopped or lapsed.")] = None,
    as_json: _Json = False,
) -> None:
    """List resets, the newest first."""
    from cli import user_resets

    states = user_resets.states_of(state)
    user_resets.tell_list(ask_engines(lambda settings: user_resets.found(settings, states)), as_json=as_json)
