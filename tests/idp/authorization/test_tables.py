"""The tables of the code are those of migrations 0006 and 0012."""

from __future__ import annotations

from sqlalchemy import Connection, inspect
from sqlalchemy.dialects import postgresql

from idp.storage import protocol_tables, takeover_tables
from tests.idp.conftest import OpenDatabase

TABLES = (*protocol_tables.metadata.tables.values(), *takeover_tables.metadata.tables.values())
DIALECT = postgresql.dialect()


def _migrated(connection: Connection) -> dict[str, set[tuple[str, str, bool]]]:
    inspector = inspect(connection)
    return {
        table.name: {
            (column["name"], column["type"].compile(DIALECT), column["nullable"])
            for column in inspector.get_columns(table.name, schema="idp")
        }
        for table in TABLES
    }


async def test_columns(database: OpenDatabase) -> None:
    async with database("owner").connect() as tx:
        migrated = await tx.run_sync(_migrated)
    for table in TABLES:
        declared = {(c.name, c.type.compile(DIALECT), bool(c.nullable)) for c in table.c}
        assert declared == migrated[table.name], table.name
