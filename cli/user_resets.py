"""`munjigi users reset`, with what the person at the terminal sees of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cli.documents import tell_document
from config.problem import Problem
from config.settings import Settings
from idp.administration.reset_documents import ResetAsked, ResetEntry
from idp.credentials.assisted_reset import ResetState
from idp.every_client import NotDone
from idp.every_reset import every_reset


async def asked(settings: Settings, name: str, by: str, why: str) -> ResetAsked:
    """Raises `NotDone`."""
    async with every_reset(settings) as every:
        try:
            return await every.ask(name, by, why)
        except Problem as problem:
            raise _not_done(problem) from None


async def decided(settings: Settings, reset: UUID, by: str, why: str, *, approve: bool) -> ResetEntry:
    """Raises `NotDone`."""
    async with every_reset(settings) as every:
        try:
            return await every.decide(reset, by, why, approve=approve)
        except Problem as problem:
            raise _not_done(problem) from None


async def found(settings: Settings, states: Sequence[ResetState]) -> Sequence[ResetEntry]:
    """The newest first."""
    async with every_reset(settings) as every:
        return await every.all(states)


def states_of(named: str | None) -> Sequence[ResetState]:
    """Raises `typer.BadParameter`."""
    known: tuple[ResetState, ...] = get_args(ResetState)
    states = tuple(state for state in known if state == named)
    if named is not None and not states:
        raise typer.BadParameter(f"one of {', '.join(known)}", param_hint="--state")
    return states


def tell_asked(done: ResetAsked, *, as_json: bool) -> None:
    """With its code."""
    tell_document({**_reset(done.reset), "code": done.code}, as_json=as_json)


def tell(done: ResetEntry, *, as_json: bool) -> None:
    tell_document(_reset(done), as_json=as_json)


def tell_list(resets: Sequence[ResetEntry], *, as_json: bool) -> None:
    """A table, or JSON, one a line."""
    if as_json:
        for one in resets:
            typer.echo(msgspec.json.encode(_reset(one)))
        return
    table = Table()
    for column in ("reset", "person", "state", "asked by", "decided by", "why", "until"):
        table.add_column(column, overflow="fold")
    for one in resets:
        until = one.expires_at.astimezone().isoformat(sep=" ", timespec="minutes")
        decided_by = one.decided_by.display_name if one.decided_by else ""
        table.add_row(
            str(one.id), one.person.display_name, one.state, one.asked_by.display_name, decided_by, one.why, until
        )
    Console(highlight=False, markup=False).print(table)


def _reset(one: ResetEntry) -> dict[str, object]:
    return {
        "reset": str(one.id),
        "person": one.person.display_name,
        "state": one.state,
        "asked_by": one.asked_by.display_name,
        "decided_by": one.decided_by.display_name if one.decided_by is not None else None,
        "expires_at": one.expires_at.isoformat(timespec="seconds"),
    }


def _not_done(problem: Problem) -> NotDone:
    return NotDone(f"{problem.kind.title} ({problem.kind.code}). {problem.kind.remedy}")
