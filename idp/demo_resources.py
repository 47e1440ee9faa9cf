"""The APIs that there are to try. What was changed since stays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from config.connections import Transaction
from idp.resources.resource_server import ResourceScope, ResourceServer
from idp.storage import resource_servers


class ShippedScope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `scopes` of an API."""

    name: str
    words: dict[str, str]
    for_people: bool = True
    for_programs: bool = True


class ShippedResource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `[[resource]]`: an API of the house."""

    id: UUID
    identifier: str
    name: dict[str, str]
    scopes: tuple[ShippedScope, ...] = ()


async def load(tx: Transaction, shipped: Mapping[str, object], now: datetime) -> None:
    """Describe those that are not there; another address of the gateway makes another API of one."""
    for one in msgspec.convert(shipped.get("resource", []), list[ShippedResource]):
        server = ResourceServer(
            id=one.id,
            identifier=one.identifier,
            name=one.name,
            organisation_id=None,
            scopes=tuple(ResourceScope(**msgspec.structs.asdict(scope)) for scope in one.scopes),
            created_at=now,
            updated_at=now,
        )
        found = await resource_servers.find(tx, one.id, claim=True)
        if found is not None and found.identifier == one.identifier:
            continue
        if found is not None:
            await resource_servers.remove(tx, found)
        if await resource_servers.add(tx, server):
            await resource_servers.put_scopes(tx, server)
