"""Resource servers and their scopes in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from events.outbox import append
from idp.clients.register import Reach
from idp.resources.resource_server import EVENT_TOPIC, ResourceScope, ResourceServer
from idp.storage.client_register import within
from idp.storage.directory_tables import organisation
from idp.storage.resource_tables import resource_scope as scope_table
from idp.storage.resource_tables import resource_server as table


async def page(tx: Transaction, reach: Reach, *, after: UUID | None, limit: int) -> Sequence[ResourceServer]:
    """Those within reach, by id, from behind `after`."""
    query = select(table).where(within(table.c.organisation_id, reach))
    if after is not None:
        query = query.where(table.c.id > after)
    return await _read(tx, query.order_by(table.c.id).limit(limit))


async def find(tx: Transaction, resource_id: UUID, *, claim: bool = False) -> ResourceServer | None:
    """One; with `claim` nobody else changes it before the transaction is over."""
    query = select(table).where(table.c.id == resource_id)
    found = await _read(tx, query.with_for_update() if claim else query)
    return found[0] if found else None


async def named(tx: Transaction, identifier: str, *, claim: bool = False) -> ResourceServer | None:
    """The one of an identifier, likewise."""
    query = select(table).where(table.c.identifier == identifier)
    found = await _read(tx, query.with_for_update() if claim else query)
    return found[0] if found else None


async def add(tx: Transaction, server: ResourceServer) -> bool:
    """Keep a new one without its scopes. False: there is one of this identifier, or no such organisation."""
    if server.organisation_id is not None:
        theirs = select(organisation.c.id).where(organisation.c.id == server.organisation_id)
        if (await tx.execute(theirs.with_for_update(read=True, key_share=True))).first() is None:
            return False
    values = {
        "id": server.id,
        "identifier": server.identifier,
        "name": dict(server.name),
        "organisation_id": server.organisation_id,
        "access_token_lifetime": server.access_token_lifetime,
        "version": server.version,
        "created_at": server.created_at,
        "updated_at": server.updated_at,
    }
    added = await tx.execute(insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id))
    if added.one_or_none() is None:
        return False
    await _tell(tx, server)
    return True


async def change(tx: Transaction, server: ResourceServer) -> ResourceServer:
    """Keep what changed in a claimed one, but its scopes; its version rises."""
    values = {
        "name": dict(server.name),
        "access_token_lifetime": server.access_token_lifetime,
        "updated_at": server.updated_at,
        "version": table.c.version + 1,
    }
    await tx.execute(update(table).where(table.c.id == server.id).values(**values))
    await _tell(tx, server)
    [changed] = await _read(tx, select(table).where(table.c.id == server.id))
    return changed


async def put_scopes(tx: Transaction, server: ResourceServer) -> Collection[str]:
    """Let it have its scopes, and no others. Returns those that another one has already."""
    await tx.execute(delete(scope_table).where(scope_table.c.resource_id == server.id))
    if not server.scopes:
        return ()
    # in one order everywhere, so that two who describe the same never wait for each other in a circle
    rows = [
        {
            "name": one.name,
            "resource_id": server.id,
            "words": dict(one.words),
            "for_people": one.for_people,
            "for_programs": one.for_programs,
        }
        for one in sorted(server.scopes, key=lambda one: one.name)
    ]
    added = await tx.execute(insert(scope_table).values(rows).on_conflict_do_nothing().returning(scope_table.c.name))
    return {one.name for one in server.scopes} - set(added.scalars())


async def remove(tx: Transaction, server: ResourceServer) -> None:
    """Forget one and its scopes."""
    await tx.execute(delete(table).where(table.c.id == server.id))
    await _tell(tx, server)


async def described(tx: Transaction) -> Sequence[ResourceServer]:
    """All of them, by identifier."""
    return await _read(tx, select(table).order_by(table.c.identifier))


async def _read(tx: Transaction, query: Select[Any]) -> list[ResourceServer]:
    rows = (await tx.execute(query)).mappings().all()
    scopes: dict[UUID, list[ResourceScope]] = {row["id"]: [] for row in rows}
    if rows:
        theirs = select(scope_table).where(scope_table.c.resource_id.in_(list(scopes))).order_by(scope_table.c.name)
        for one in await tx.execute(theirs):
            scopes[one.resource_id].append(ResourceScope(one.name, one.words, one.for_people, one.for_programs))
    return [_server(row, scopes[row["id"]]) for row in rows]


def _server(row: RowMapping, scopes: Sequence[ResourceScope]) -> ResourceServer:
    return ResourceServer(**{**row, "scopes": tuple(scopes)})


async def _tell(tx: Transaction, server: ResourceServer) -> None:
    ident = str(server.id)
    await append(tx, EVENT_TOPIC, ident, {"resource_id": ident})
