"""What administrators do to APIs of others, each act in one transaction with its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from audit.trail import Kind
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.entropy import Entropy
from config.problem import Problem
from events import outbox
from idp.administration import problems
from idp.administration.client_acts import of_organisation, reach_of
from idp.administration.record import record
from idp.administration.resource_documents import (
    ResourceChange,
    ResourceEntry,
    ResourceList,
    ResourceRemoved,
    ResourceRequest,
    ResourceWanted,
    ScopeDescribed,
    ScopeEntry,
    ScopeList,
)
from idp.administration.scope import Administrator
from idp.protocol.scopes import SCOPES, claims_of
from idp.resources.resource_server import ResourceScope, ResourceServer, ResourceServers, faults

_STANDARD: Final = tuple(ScopeEntry(scope, claims_of((scope,)), {}, None) for scope in SCOPES)
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceActs:
    """Lists, shows, makes, changes and removes resource servers."""

    database: Database
    valkey: Valkey
    clock: Clock
    entropy: Entropy
    resources: ResourceServers
    operator: UUID
    """The organisation whose administrators look after those that are no organisation's."""

    async def list(self, who: Administrator, after: UUID | None, limit: int) -> ResourceList:
        """Those within the caller's reach, by id."""
        reach = reach_of(who, self.operator)
        async with self.database.connect() as tx:
            found = await self.resources.page(tx, reach, after=after, limit=limit + 1)
        shown = tuple(_entry(one) for one in found[:limit])
        return ResourceList(shown, shown[-1].id if len(found) > limit else None)

    async def scopes(self, who: Administrator) -> ScopeList:
        """The standard ones, and those of the APIs within the caller's reach."""
        reach, after, more = reach_of(who, self.operator), None, list[ScopeEntry]()
        async with self.database.connect() as tx:
            while found := await self.resources.page(tx, reach, after=after, limit=_AT_ONCE):
                more += [
                    ScopeEntry(scope.name, (), scope.words, one.identifier) for one in found for scope in one.scopes
                ]
                after = found[-1].id
        return ScopeList((*_STANDARD, *sorted(more, key=lambda one: one.scope)))

    async def show(self, who: Administrator, resource_id: UUID) -> ResourceEntry:
        """One."""
        async with self.database.connect() as tx:
            return _entry(await self._find(tx, who, resource_id))

    async def create(self, who: Administrator, asked: ResourceRequest) -> ResourceEntry:
        """Keep a new one, for an organisation of the caller's or for the house."""
        if not reach_of(who, self.operator).holds(asked.organisation_id):
            raise Problem(problems.NOT_FOUND)
        now = self.clock.now()
        server = ResourceServer(
            id=self.entropy.uuid(),
            identifier=asked.identifier,
            name={},
            organisation_id=asked.organisation_id,
            created_at=now,
            updated_at=now,
        )
        server = self._as_asked(server, asked)
        async with self.database.begin() as tx:
            if not await self.resources.add(tx, server):
                raise Problem(problems.RESOURCE_TAKEN, "identifier: there is an API of it already")
            await self._describe(tx, server)
            await _record(tx, who, server, asked.why, "added")
        await outbox.poke(self.valkey)
        return _entry(server)

    async def change(self, who: Administrator, resource_id: UUID, asked: ResourceChange) -> ResourceEntry:
        """Make one what is asked."""
        async with self.database.begin() as tx:
            before = await self._claim(tx, who, resource_id, asked.version)
            server = self._as_asked(before, asked)
            await self._describe(tx, server)
            changed = await self.resources.change(tx, server)
            await _record(tx, who, server, asked.why, "changed")
        await outbox.poke(self.valkey)
        return _entry(changed)

    async def remove(self, who: Administrator, resource_id: UUID, version: int, why: str) -> ResourceRemoved:
        """Forget one, and what is said of its scopes."""
        async with self.database.begin() as tx:
            server = await self._claim(tx, who, resource_id, version)
            await self.resources.remove(tx, server)
            await _record(tx, who, server, why, "removed")
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
        described = (ResourceScope(one.name, _stripped(one.words)) for one in asked.scopes)
        scopes = tuple(sorted(described, key=lambda one: one.name))
        if found := faults(server.identifier, asked.name, scopes):
            raise Problem(problems.RESOURCE_REFUSED, found[0])
        return replace(server, name=_stripped(asked.name), scopes=scopes, updated_at=self.clock.now())

    async def _describe(self, tx: Transaction, server: ResourceServer) -> None:
        if taken := sorted(await self.resources.put_scopes(tx, server)):
            raise Problem(problems.RESOURCE_TAKEN, f"scopes: {', '.join(taken)} is of another API")


async def _record(tx: Transaction, who: Administrator, server: ResourceServer, why: str, act: str) -> None:
    details = {"why": why, "act": act, "identifier": server.identifier, **of_organisation(server.organisation_id)}
    await record(tx, who, Kind.RESOURCE_CHANGED, str(server.id), details)


def _stripped(words: Mapping[str, str]) -> dict[str, str]:
    return {locale: text.strip() for locale, text in words.items()}


def _entry(server: ResourceServer) -> ResourceEntry:
    return ResourceEntry(
        id=server.id,
        identifier=server.identifier,
        name=server.name,
        organisation_id=server.organisation_id,
        scopes=tuple(ScopeDescribed(one.name, one.words) for one in server.scopes),
        version=server.version,
        created_at=server.created_at,
        updated_at=server.updated_at,
    )
