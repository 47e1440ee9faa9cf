"""The tables of the code are those of migration 0006."""

from __future__ import annotations

from sqlalchemy import Connection, inspect
from sqlalchemy.dialects import postgresql

from idp.storage.protocol_tables import metadata
from tests.idp.conftest import OpenDatabase

DIALECT = postgresql.dialect()


def _migrated(connection: Connection) -> dict[str, set[tuple[str, str, bool]]]:
    inspector = inspect(connection)
    return {
        table.name: {
            (column["name"], column["type"].compile(DIALECT), column["nullable"])
            for column in inspector.get_columns(table.name, schema="idp")
        }
        for table in metadata.tables.values()
    }


async def test_columns(database: OpenDatabase) -> None:
    async with database("owner").connect() as tx:
        migrated = await tx.run_sync(_migrated)
    for table in metadata.tables.values():
        declared = {(c.name, c.type.compile(DIALECT), bool(c.nullable)) for c in table.c}
        assert declared == migrated[table.name], table.name
