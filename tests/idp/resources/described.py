"""APIs that somebody has described, for tests, and a provider that knows of them."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from idp.resources.resource_server import ResourceScope, ResourceServer
from idp.storage import resource_servers
from tests.idp.provider import Provider

ORDERS, STOCK, NOBODYS = "https://orders.example/api", "https://stock.example/", "https://nobodys.example/"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def scope(name: str, *, for_people: bool = True, for_programs: bool = True) -> ResourceScope:
    """One, with some words."""
    return ResourceScope(name, {"ko": f"{name} 쓰기", "en": f"use {name}"}, for_people, for_programs)


def server(
    identifier: str, *scopes: ResourceScope, lifetime: int | None = None, organisation_id: UUID | None = None
) -> ResourceServer:
    return ResourceServer(
        id=uuid4(),
        identifier=identifier,
        name={"ko": "API", "en": "API"},
        organisation_id=organisation_id,
        access_token_lifetime=lifetime,
        scopes=scopes,
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )


def orders(**changed: int | UUID | None) -> ResourceServer:
    """One whose scopes are for both, for people, and for programs."""
    return server(
        ORDERS,
        scope("orders.read"),
        scope("orders.mine", for_programs=False),
        scope("orders.all", for_people=False),
        **changed,  # type: ignore[arg-type]
    )


async def describe(provider: Provider, *servers: ResourceServer) -> None:
    """Keep them, and tell the node."""
    async with provider.parts.database.begin() as tx:
        for one in servers:
            assert await resource_servers.add(tx, one)
            assert not await resource_servers.put_scopes(tx, one)
    told(provider)


async def forget(provider: Provider, one: ResourceServer) -> None:
    async with provider.parts.database.begin() as tx:
        await resource_servers.remove(tx, one)
    told(provider)


def told(provider: Provider) -> None:
    provider.parts.described.on_event("resource", {"resource_id": ""})
