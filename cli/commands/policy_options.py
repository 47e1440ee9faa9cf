"""What commands of `munjigi policy` share: their options, and the connection that those before the command name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from cli.policies.connection import Connection

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, errors too (on standard error).")]
Why = Annotated[str, typer.Option("--why", help="Kept in the history and in the audit record.")]
Number = Annotated[int, typer.Argument(min=1, help="The number of a version.")]
Folder = Annotated[Path, typer.Argument(help="A folder with rules.csv and policy.toml.")]
Wait = Annotated[float, typer.Option("--wait", min=0, help="Wait so many seconds until gateways decide by it.")]
Confirm = Annotated[
    list[str] | None, typer.Option("--confirm", help="A zone or program that is to lose its way in, where it is meant.")
]
Content = Annotated[
    str, typer.Option("--sha256", help="Only if the draft still has this content, as `show` printed it.")
]


def connection_of(context: typer.Context) -> Connection:
    found: Connection = context.obj
    return found
