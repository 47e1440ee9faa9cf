"""`munjigi policy shadow`, `explain`, `replay`: what a policy makes of requests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.commands.policy_options import AsJson, Number, Why, connection_of


def shadow(
    context: typer.Context,
    version: Number,
    begin: Annotated[bool, typer.Option("--begin", help="Begin.")] = False,
    end: Annotated[bool, typer.Option("--end", help="End.")] = False,
    share: Annotated[float, typer.Option(min=0, max=1, help="Of the live requests.")] = 0.1,
    seconds: Annotated[int, typer.Option(min=10, help="How long, at most.")] = 3600,
    most: Annotated[int | None, typer.Option("--most", min=0, help="End with 1 if more would differ.")] = None,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Have live requests decided by a draft, too; without --begin and --end: what came of it so far."""
    from cli.policies import releases
    from cli.policies.exits import told

    if begin and end:
        raise typer.BadParameter("--begin or --end")
    with told(as_json=as_json):
        connection = connection_of(context)
        if begin:
            releases.begin_shadow(connection, version, why, share, seconds, as_json=as_json)
        elif end:
            releases.end_shadow(connection, version, why, as_json=as_json)
        else:
            releases.shadow_report(connection, version, most, as_json=as_json)


def explain(
    context: typer.Context,
    decision: Annotated[str, typer.Argument(help="The id of a decision: the correlation id that people see.")] = "",
    request: Annotated[str, typer.Option(help="A made-up request: a file of JSON; - reads what comes in.")] = "",
    version: Annotated[int | None, typer.Option(min=1, help="By this version, rather than by its own.")] = None,
    folder: Annotated[Path | None, typer.Option(help="By the policy in a folder; with --request. Asks nobody.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say why something is decided as it is, and what would change it."""
    from cli.policies import explanations
    from cli.policies.exits import told

    if bool(decision) == bool(request):
        raise typer.BadParameter("name a decision, or --request")
    with told(as_json=as_json):
        if decision:
            explanations.of_decision(connection_of(context), decision, version, as_json=as_json)
        elif folder is not None:
            explanations.at_desk(folder, request, as_json=as_json)
        else:
            explanations.of_request(connection_of(context), request, version, as_json=as_json)


def replay(
    context: typer.Context,
    version: Number,
    why: Why = "",
    hours: Annotated[float, typer.Option(min=0.01, help="Of the last so many hours.")] = 24,
    most_lost: Annotated[int | None, typer.Option(min=0, help="End with 1 if more would lose access.")] = None,
    most_gained: Annotated[int | None, typer.Option(min=0, help="End with 1 if more would gain access.")] = None,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for the end of it.")] = 600,
    as_json: AsJson = False,
) -> None:
    """Decide recorded requests again by a version: who would lose access, who would gain some."""
    from cli.policies import explanations
    from cli.policies.exits import told

    with told(as_json=as_json):
        explanations.replay(connection_of(context), version, why, hours, most_lost, most_gained, wait, as_json=as_json)
