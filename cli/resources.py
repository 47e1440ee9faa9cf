"""`munjigi resources`: what is described of the APIs that tokens are for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from cli.documents import read_file, tell_document
from config.settings import Settings
from idp.administration.documents import Line
from idp.administration.resource_documents import (
    ResourceIdentifier,
    ScopeDescribed,
    TokenLifetime,
    as_scopes,
    entry,
)
from idp.every_resource import Wanted, every_resource
from idp.resources.resource_server import ResourceServer

_SHOWN = ("id", "created_at", "updated_at")
"""Members that `show` adds: a file may have them, and they are not read."""


class ResourceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file of `add` and `change`: what the admin API takes, without why."""

    identifier: ResourceIdentifier | None = None
    organisation_id: UUID | None = None
    name: Mapping[str, Line]
    scopes: tuple[ScopeDescribed, ...] = ()
    access_token_lifetime: TokenLifetime | None = None
    version: int | None = None

    @property
    def wanted(self) -> Wanted:
        """The API as it is to be."""
        return Wanted(
            name=dict(self.name), scopes=as_scopes(self.scopes), access_token_lifetime=self.access_token_lifetime
        )


def read_resource(name: str) -> ResourceFile:
    """What a file says. Raises `typer.BadParameter`."""
    members = {member: value for member, value in read_file(name).items() if member not in _SHOWN}
    try:
        return msgspec.convert(members, ResourceFile)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(f"{name}: {error}", param_hint="--file") from error


async def found(settings: Settings) -> Sequence[ResourceServer]:
    async with every_resource(settings) as every:
        return await every.all()


async def shown(settings: Settings, identifier: str) -> ResourceServer:
    async with every_resource(settings) as every:
        return await every.one(identifier)


async def added(settings: Settings, asked: ResourceFile, why: str) -> ResourceServer:
    """What the file says is there afterwards."""
    if asked.identifier is None:
        raise typer.BadParameter("identifier is missing", param_hint="--file")
    async with every_resource(settings) as every:
        return await every.add(asked.identifier, asked.wanted, why, organisation_id=asked.organisation_id)


async def changed(settings: Settings, identifier: str, asked: ResourceFile, why: str) -> ResourceServer:
    if asked.identifier not in (None, identifier):
        raise typer.BadParameter("an identifier never changes", param_hint="--file")
    async with every_resource(settings) as every:
        return await every.change(identifier, asked.wanted, why, version=asked.version)


async def removed(settings: Settings, identifier: str, why: str) -> bool:
    async with every_resource(settings) as every:
        return await every.remove(identifier, why)


def tell_list(servers: Sequence[ResourceServer], *, as_json: bool) -> None:
    """A table, or JSON, one API a line."""
    if as_json:
        for one in servers:
            typer.echo(msgspec.json.encode(entry(one)))
        return
    table = Table()
    for column in ("identifier", "name", "organisation", "scopes", "lifetime"):
        table.add_column(column, overflow="fold")
    for one in servers:
        scopes = ", ".join(scope.name for scope in one.scopes)
        lifetime = f"{one.access_token_lifetime} s" if one.access_token_lifetime is not None else ""
        table.add_row(one.identifier, one.name["en"], str(one.organisation_id or "the house"), scopes, lifetime)
    Console(highlight=False, markup=False).print(table)


def tell(server: ResourceServer, *, as_json: bool) -> None:
    """One API."""
    tell_document(msgspec.to_builtins(entry(server)), as_json=as_json)
