"""What administrators do to APIs of others, each act in one transaction with its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from audit.trail import Kind
from config.connections import Database, Transaction, Valkey
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.client_acts import reach_of
from idp.administration.record import record
from idp.administration.resource_documents import (
    ResourceChange,
    ResourceEntry,
    ResourceList,
    ResourceRemoved,
    ResourceRequest,
    ResourceWanted,
    ScopeEntry,
    ScopeList,
    as_scopes,
    entry,
)
from idp.administration.scope import Administrator
from idp.protocol.scopes import SCOPES, claims_of
from idp.resources.keeper import InvalidResource, ResourceKeeper, ResourceTaken, on_record
from idp.resources.resource_server import ResourceServer, ResourceServers

_STANDARD: Final = tuple(
    ScopeEntry(scope, claims_of((scope,)), {}, None, for_people=True, for_programs=False) for scope in SCOPES
)
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceActs:
    """Lists, shows, makes, changes and removes resource servers."""

    database: Database
    valkey: Valkey
    resources: ResourceServers
    keeper: ResourceKeeper
    operator: UUID
    """The organisation whose administrators look after those that are no organisation's."""

    async def list(self, who: Administrator, after: UUID | None, limit: int) -> ResourceList:
        """Those within the caller's reach, by id."""
        reach = reach_of(who, self.operator)
        async with self.database.connect() as tx:
            found = await self.resources.page(tx, reach, after=after, limit=limit + 1)
        shown = tuple(entry(one) for one in found[:limit])
        return ResourceList(shown, shown[-1].id if len(found) > limit else None)

    async def scopes(self, who: Administrator) -> ScopeList:
        """The standard ones, and those of the APIs within the caller's reach."""
        reach, after, more = reach_of(who, self.operator), None, list[ScopeEntry]()
        async with self.database.connect() as tx:
            while found := await self.resources.page(tx, reach, after=after, limit=_AT_ONCE):
                more += [
                    ScopeEntry(
                        scope.name,
                        (),
                        scope.words,
                        one.identifier,
                        for_people=scope.for_people,
                        for_programs=scope.for_programs,
                    )
                    for one in found
                    for scope in one.scopes
                ]
                after = found[-1].id
        return ScopeList((*_STANDARD, *sorted(more, key=lambda one: one.scope)))

    async def show(self, who: Administrator, resource_id: UUID) -> ResourceEntry:
        """One."""
        async with self.database.connect() as tx:
            return entry(await self._find(tx, who, resource_id))

    async def create(self, who: Administrator, asked: ResourceRequest) -> ResourceEntry:
        """Keep a new one, for an organisation of the caller's or for the house."""
        if not reach_of(who, self.operator).holds(asked.organisation_id):
            raise Problem(problems.NOT_FOUND)
        server = self._as_asked(self.keeper.new(asked.identifier, asked.organisation_id), asked)
        async with self.database.begin() as tx:
            try:
                await self.keeper.add(tx, server)
            except ResourceTaken as error:
                raise Problem(problems.RESOURCE_TAKEN, str(error)) from error
            await _record(tx, who, server, "added", asked.why)
        await outbox.poke(self.valkey)
        return entry(server)

    async def change(self, who: Administrator, resource_id: UUID, asked: ResourceChange) -> ResourceEntry:
        """Make one what is asked."""
        async with self.database.begin() as tx:
            before = await self._claim(tx, who, resource_id, asked.version)
            server = self._as_asked(before, asked)
            try:
                changed = await self.keeper.change(tx, server)
            except ResourceTaken as error:
                raise Problem(problems.RESOURCE_TAKEN, str(error)) from error
            await _record(tx, who, server, "changed", asked.why)
        await outbox.poke(self.valkey)
        return entry(changed)

    async def remove(self, who: Administrator, resource_id: UUID, version: int, why: str) -> ResourceRemoved:
        """Forget one, and what is said of its scopes."""
        async with self.database.begin() as tx:
            server = await self._claim(tx, who, resource_id, version)
            await self.keeper.remove(tx, server)
            await _record(tx, who, server, "removed", why)
        await outbox.poke(self.valkey)
        return ResourceRemoved(resource_id)

    async def _find(
        self, tx: Transaction, who: Administrator, resource_id: UUID, *, claim: bool = False
    ) -> ResourceServer:
        found = await self.resources.find(tx, resource_id, claim=claim)
        if found is None or not reach_of(who, self.operator).holds(found.organisation_id):
            raise Problem(problems.NOT_FOUND)
        return found

    async def _claim(self, tx: Transaction, who: Administrator, resource_id: UUID, version: int) -> ResourceServer:
        claimed = await self._find(tx, who, resource_id, claim=True)
        if claimed.version != version:
            raise Problem(problems.CHANGED_MEANWHILE)
        return claimed

    def _as_asked(self, server: ResourceServer, asked: ResourceWanted) -> ResourceServer:
        """The API as it is to be. Raises `RESOURCE_REFUSED` for what cannot be."""
        try:
            return self.keeper.described(
                server,
                name=asked.name,
                scopes=as_scopes(asked.scopes),
                access_token_lifetime=asked.access_token_lifetime,
            )
        except InvalidResource as error:
            raise Problem(problems.RESOURCE_REFUSED, str(error)) from error


async def _record(tx: Transaction, who: Administrator, server: ResourceServer, act: str, why: str) -> None:
    await record(tx, who, Kind.RESOURCE_CHANGED, str(server.id), on_record(server, act, why))
