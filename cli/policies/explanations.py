"""What `munjigi policy` asks of decisions: why they are as they are, and what another version would make of them."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import typer

from cli.policies import folder as folders
from cli.policies.connection import Connection
from policy.admin.messages import ExplainRequest
from policy.explain import Explanation, explain
from policy.files import WrongFiles
from policy.request import AccessRequest
from policy.snapshot import compile_policy


def of_request(connection: Connection, request: str, version: int | None, *, as_json: bool) -> None:
    asked = ExplainRequest(_read(request), version)
    with connection.open() as client:
        _tell(client.explanations.explain(asked), as_json=as_json)


def at_desk(folder: Path, request: str, *, as_json: bool) -> None:
    """By the policy in a folder."""
    policy, _ = folders.read(folder)
    _tell(explain(_read(request), compile_policy(policy, 1)), as_json=as_json)


def _read(name: str) -> AccessRequest:
    content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return msgspec.json.decode(content, type=AccessRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WrongFiles(((name, 0, str(error)),)) from error


def _tell(explanation: Explanation, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(explanation))
        return
    decision = explanation.decision
    typer.echo(f"{decision.effect} by {decision.winner or 'no rule'}, version {decision.version}, risk {decision.risk}")
