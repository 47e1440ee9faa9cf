"""Holding the tables in the code against those that the migrations made."""

from __future__ import annotations

from sqlalchemy import MetaData, text
from sqlalchemy.ext.asyncio import AsyncConnection

_COLUMNS = text(
    """
    SELECT relation.relname, attribute.attname, NOT attribute.attnotnull AS nullable,
        pg_catalog.format_type(attribute.atttypid, attribute.atttypmod) AS type
    FROM pg_attribute AS attribute JOIN pg_class AS relation ON relation.oid = attribute.attrelid
    WHERE relation.relnamespace = CAST(:schema AS regnamespace) AND relation.relkind IN ('r', 'v')
        AND attribute.attnum > 0 AND NOT attribute.attisdropped
    """
)

Columns = dict[tuple[str, str], tuple[str, bool]]


async def live_columns(connection: AsyncConnection, schema: str) -> Columns:
    """(table, column) -> (type, nullable) of a schema in the database."""
    rows = await connection.execute(_COLUMNS, {"schema": schema})
    return {(row.relname, row.attname): (row.type, row.nullable) for row in rows}


def declared_columns(connection: AsyncConnection, metadata: MetaData) -> Columns:
    """The same of the tables in the code; a view's columns are nullable, as PostgreSQL sees them."""
    names = {"TIMESTAMP WITH TIME ZONE": "timestamp with time zone"}
    found = {}
    for table in metadata.tables.values():
        for column in table.columns:
            kind = column.type.compile(connection.dialect)
            found[table.name, column.name] = names.get(kind, kind.lower()), bool(column.nullable)
    return found
