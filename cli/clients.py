"""`munjigi clients`: what is registered of the apps that people sign in to."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cli.documents import tell_document
from config.settings import Settings
from idp.administration.client_documents import ClientId
from idp.clients.register import Registered
from idp.clients.registrar import Issued
from idp.clients.registration import registered_members
from idp.every_client import every_client

_OURS = ("client_id", "organisation", "enabled", "version", "client_secret")
"""Members that `show` adds: a file may have them, and only `client_id`, `organisation` and `version` are read."""


async def found(settings: Settings, name: str) -> Sequence[Registered]:
    """Those whose id or name holds `name`."""
    async with every_client(settings) as every:
        return await every.all(name)


async def shown(settings: Settings, client_id: str) -> Issued:
    async with every_client(settings) as every:
        return Issued(registered=await every.one(client_id))


async def added(settings: Settings, asked: Mapping[str, object], why: str) -> Issued:
    """What the file says is there afterwards."""
    client_id, organisation = asked.get("client_id"), asked.get("organisation")
    async with every_client(settings) as every:
        done = await every.add(
            _metadata(asked),
            why,
            client_id=_checked_id(client_id) if client_id is not None else None,
            organisation_id=_as_uuid(organisation) if organisation is not None else None,
        )
    return done.issued


async def changed(settings: Settings, client_id: str, asked: Mapping[str, object], why: str) -> Issued:
    async with every_client(settings) as every:
        return await every.change(client_id, _metadata(asked), why, version=asked.get("version"))


def switched(client_id: str, why: str, *, enabled: bool) -> Callable[[Settings], Coroutine[Any, Any, Issued]]:
    """What switches a client off or on."""

    async def switch(settings: Settings) -> Issued:
        async with every_client(settings) as every:
            return Issued(registered=await every.switch(client_id, why, enabled=enabled))

    return switch


async def new_secret(settings: Settings, client_id: str, why: str) -> Issued:
    async with every_client(settings) as every:
        return await every.new_secret(client_id, why)


async def removed(settings: Settings, client_id: str, why: str) -> bool:
    async with every_client(settings) as every:
        return await every.remove(client_id, why)


def tell_list(clients: Sequence[Registered], *, as_json: bool) -> None:
    """A table, or JSON, one client a line."""
    if as_json:
        for one in clients:
            typer.echo(msgspec.json.encode(_document(Issued(registered=one))))
        return
    table = Table()
    for column in ("client_id", "name", "organisation", "authentication", "state"):
        table.add_column(column, overflow="fold")
    for one in clients:
        client = one.client
        name = client.name.get("") or client.name.get("en", "")
        whose = str(client.organisation_id or "the house")
        table.add_row(client.client_id, name, whose, client.auth_method, "on" if client.enabled else "off")
    Console(highlight=False, markup=False).print(table)


def tell(issued: Issued, *, as_json: bool) -> None:
    """One client; its secret only where it was made just now."""
    tell_document(_document(issued), as_json=as_json)


def _document(issued: Issued) -> dict[str, object]:
    """As a file of `add` and `change` has it, and what else is known."""
    registered = issued.registered
    whose = registered.client.organisation_id
    return {
        **registered_members(registered.client),
        **({"organisation": str(whose)} if whose is not None else {}),
        "enabled": registered.client.enabled,
        "version": registered.version,
        **({"client_secret": issued.secret} if issued.secret is not None else {}),
    }


def _metadata(asked: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in asked.items() if name not in _OURS}


def _checked_id(client_id: object) -> str:
    try:
        return msgspec.convert(client_id, ClientId)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"client_id: {error}", param_hint="--file") from error


def _as_uuid(organisation: object) -> UUID:
    try:
        return UUID(str(organisation))
    except ValueError as error:
        raise typer.BadParameter("organisation: an id is expected", param_hint="--file") from error
