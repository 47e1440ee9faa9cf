"""What `munjigi policy` asks of decisions: why they are as they are, and what another version would make of them."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import typer

from cli.policies import folder as folders
from cli.policies.connection import Connection
from cli.policies.exits import NotFit, TooLong
from policy.admin.decision_messages import ReplayDocument, ReplayGroup, ReplayRequest
from policy.admin.messages import ExplainRequest, Question
from policy.client import PolicyClient
from policy.explain import Explanation, explain
from policy.explain.text import text
from policy.files import WrongFiles
from policy.snapshot import compile_policy

PAUSE = 0.5
"""Seconds between two looks at a replay."""
SHOWN = 20
"""Groups of requests that are printed of each fate."""


def of_decision(connection: Connection, ident: str, version: int | None, *, as_json: bool) -> None:
    with connection.open() as client:
        if as_json:
            _tell(client.explanations.decision(ident, version))
        else:
            typer.echo(client.explanations.decision_as_text(ident, version), nl=False)


def of_request(connection: Connection, request: str, version: int | None, *, as_json: bool) -> None:
    asked = ExplainRequest(_read(request), version)
    with connection.open() as client:
        if as_json:
            _tell(client.explanations.explain(asked))
        else:
            typer.echo(client.explanations.explain_as_text(asked), nl=False)


def at_desk(folder: Path, request: str, *, as_json: bool) -> None:
    """By the policy in a folder."""
    policy, _ = folders.read(folder)
    found = explain(_read(request).request(time.time()), compile_policy(policy, 1))
    if as_json:
        _tell(found)
    else:
        typer.echo(text(found, "en"), nl=False)


def _read(name: str) -> Question:
    content = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    try:
        return msgspec.json.decode(content, type=Question)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WrongFiles(((name, 0, str(error)),)) from error


def _tell(explanation: Explanation) -> None:
    typer.echo(msgspec.json.encode(explanation))


def replay(
    connection: Connection,
    version: int,
    why: str,
    hours: float,
    most_lost: int | None,
    most_gained: int | None,
    wait: float,
    *,
    as_json: bool,
) -> None:
    """Raises `NotFit` where more is lost or gained than was allowed, `TooLong` where it is not over in time."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    with connection.open() as client:
        job = _awaited(client, client.explanations.replay(version, ReplayRequest(why, since)), wait)
    if as_json:
        typer.echo(msgspec.json.encode(job))
    else:
        _tell_replay(job)
    if job.state == "failed":
        raise NotFit(f"the replay failed: {job.trouble}")
    for most, found, what in ((most_lost, job.totals.lost, "lost"), (most_gained, job.totals.gained, "gained")):
        if most is not None and found > most:
            raise NotFit(f"{found} requests would have {what} access, more than {most}")


def _awaited(client: PolicyClient, job: ReplayDocument, wait: float) -> ReplayDocument:
    until = time.monotonic() + wait
    while job.over_at is None:
        if time.monotonic() >= until:
            raise TooLong(f"the replay {job.id} goes on: {job.done} of {job.of}")
        time.sleep(PAUSE)
        job = client.explanations.replayed(job.id)
    return job


def _tell_replay(job: ReplayDocument) -> None:
    totals = job.totals
    typer.echo(
        f"{job.done} decisions since {job.since:%Y-%m-%d %H:%M}Z: {totals.same} the same, {totals.lost} lost, "
        f"{totals.gained} gained, {totals.asked_more} asked for more, {totals.changed} otherwise"
    )
    for name, groups in (("lost", job.lost), ("gained", job.gained), ("changed", job.changed)):
        for group in groups[:SHOWN]:
            typer.echo(f"{name:>8} {_group(group)}")


def _group(group: ReplayGroup) -> str:
    return (
        f"{group.count:>6}  {group.sub or 'nobody'} ({', '.join(group.roles)})  {group.method} {group.zone} "
        f"{group.path}  {group.was} by {group.rule or 'no rule'} -> {group.would_be} by "
        f"{group.would_be_rule or 'no rule'}  e.g. {group.example}"
    )
