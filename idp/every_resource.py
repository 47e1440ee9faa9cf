"""Every API that is described, for whoever may run a command on a machine of the house: `munjigi resources`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from audit import trail
from audit.trail import AuditEvent, Kind
from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from config.web import new_correlation_id
from events import outbox
from idp.every_client import NotDone
from idp.every_session import OPERATOR
from idp.resources.keeper import InvalidResource, ResourceKeeper, ResourceTaken, on_record
from idp.resources.resource_server import ResourceScope, ResourceServer
from idp.storage import resource_servers
from idp.storage.administered_organisations import every_organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An API as it is to be."""

    name: dict[str, str]
    scopes: tuple[ResourceScope, ...]
    access_token_lifetime: int | None


class EveryResource:
    """Acts upon APIs, each with its record."""

    def __init__(self, database: Database, valkey: Valkey, keeper: ResourceKeeper) -> None:
        self._database = database
        self._valkey = valkey
        self._keeper = keeper

    async def all(self) -> Sequence[ResourceServer]:
        """All of them, by identifier."""
        async with self._database.connect() as tx:
            return await resource_servers.described(tx)

    async def one(self, identifier: str) -> ResourceServer:
        """Raises `NotDone` where there is none."""
        async with self._database.connect() as tx:
            return await _find(tx, identifier)

    async def add(self, identifier: str, wanted: Wanted, why: str, *, organisation_id: UUID | None) -> ResourceServer:
        """Describe an API; one that is there as it is asked for stays as it is.

        Raises `NotDone`: it cannot be described so, is there otherwise, or something of it is another's.
        """
        server = self._as_wanted(self._keeper.new(identifier, organisation_id), wanted)
        async with self._database.begin() as tx:
            if organisation_id is not None and organisation_id not in await every_organisation(tx):
                raise NotDone(f"there is no organisation {organisation_id}")
            found = await resource_servers.named(tx, identifier)
            if found is not None:
                if _said(found) != _said(server):
                    raise NotDone(f"{identifier} is there already, otherwise; see `munjigi resources change`")
                return found
            try:
                await self._keeper.add(tx, server)
            except ResourceTaken as error:
                raise NotDone(str(error)) from error
            await _record(tx, server, "added", why)
        await outbox.poke(self._valkey)
        return server

    async def change(self, identifier: str, wanted: Wanted, why: str, *, version: object = None) -> ResourceServer:
        """Make what is said of an API what is asked, if it is still at a version. Raises `NotDone`."""
        async with self._database.begin() as tx:
            found = await _find(tx, identifier, claim=True)
            if version is not None and version != found.version:
                raise NotDone(f"{identifier} is at version {found.version}; look at it again")
            server = self._as_wanted(found, wanted)
            if _said(server) == _said(found):
                return found
            try:
                changed = await self._keeper.change(tx, server)
            except ResourceTaken as error:
                raise NotDone(str(error)) from error
            await _record(tx, server, "changed", why)
        await outbox.poke(self._valkey)
        return changed

    async def remove(self, identifier: str, why: str) -> bool:
        """Forget an API, and what is said of its scopes. False: there was none."""
        async with self._database.begin() as tx:
            found = None if "\0" in identifier else await resource_servers.named(tx, identifier, claim=True)
            if found is None:
                return False
            await self._keeper.remove(tx, found)
            await _record(tx, found, "removed", why)
        await outbox.poke(self._valkey)
        return True

    def _as_wanted(self, server: ResourceServer, wanted: Wanted) -> ResourceServer:
        try:
            return self._keeper.described(
                server,
                name=wanted.name,
                scopes=wanted.scopes,
                access_token_lifetime=wanted.access_token_lifetime,
            )
        except InvalidResource as error:
            raise NotDone(str(error)) from error


@asynccontextmanager
async def every_resource(settings: Settings, clock: Clock | None = None) -> AsyncIterator[EveryResource]:
    """Everything it is made of."""
    database, valkey = open_database(settings, "idp"), open_valkey(settings)
    try:
        keeper = ResourceKeeper(
            resources=resource_servers,
            clock=clock or SystemClock(),
            entropy=SystemEntropy(),
            longest=int(settings.idp.access_token_lifetime),
        )
        yield EveryResource(database, valkey, keeper)
    finally:
        await valkey.aclose()
        await database.dispose()


async def _find(tx: Transaction, identifier: str, *, claim: bool = False) -> ResourceServer:
    found = None if "\0" in identifier else await resource_servers.named(tx, identifier, claim=claim)
    if found is None:
        raise NotDone(f"nobody has described {identifier!r}")
    return found


def _said(server: ResourceServer) -> tuple[object, ...]:
    return (server.organisation_id, server.name, server.scopes, server.access_token_lifetime)


async def _record(tx: Transaction, server: ResourceServer, act: str, why: str) -> None:
    event = AuditEvent(
        kind=Kind.RESOURCE_CHANGED,
        correlation_id=new_correlation_id(),
        actor=OPERATOR,
        subject=str(server.id),
        details=on_record(server, act, why),
    )
    await trail.record(tx, event)
