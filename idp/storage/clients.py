"""Clients in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import RowMapping, or_, select
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from idp.clients.client import Client
from idp.clients.metadata import ClientMetadata
from idp.storage.protocol_tables import client as table

_WORDS = ("redirect_uris", "post_logout_redirect_uris", "grant_types", "scopes")


async def find(tx: Transaction, client_id: str) -> Client | None:
    """One client that is switched on."""
    query = select(table).where(table.c.client_id == client_id, table.c.enabled)
    row = (await tx.execute(query)).mappings().one_or_none()
    return read(row) if row is not None else None


def read(row: RowMapping) -> Client:
    """The client of a row of the table."""
    values = {name: row[name] for name in Client.__slots__}
    words = {name: tuple(row[name]) for name in _WORDS}
    return Client(**{**values, **words, "metadata": msgspec.convert(row["metadata"], ClientMetadata)})


def values_of(client: Client) -> dict[str, object]:
    """The columns that hold a client."""
    values = {name: getattr(client, name) for name in Client.__slots__}
    values |= {name: list(values[name]) for name in _WORDS}
    return values | {"name": dict(client.name), "metadata": msgspec.to_builtins(client.metadata)}


async def put(tx: Transaction, client: Client, now: datetime) -> bool:
    """Register a client, or change what is registered of it. Returns whether anything changed."""
    values = values_of(client)
    statement = insert(table).values(**values, created_at=now, updated_at=now)
    changed = [table.c[name].is_distinct_from(statement.excluded[name]) for name in values]
    result = await tx.execute(
        statement.on_conflict_do_update(
            index_elements=[table.c.client_id],
            set_={
                **{name: statement.excluded[name] for name in (*values, "updated_at")},
                "version": table.c.version + 1,
            },
            where=or_(*changed),
        )
    )
    return result.rowcount > 0
