"""The tables in code are those of the migrated schema."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from config.connections import Database
from config.sections.engines import Role
from gateway.storage.tables import metadata


async def test_tables_are_as_migrated(database: Callable[[Role], Database]) -> None:
    def compare(connection: Connection) -> None:
        found = inspect(connection)
        assert set(found.get_table_names(schema="gateway")) == {table.name for table in metadata.sorted_tables}
        for table in metadata.sorted_tables:
            columns = {column["name"]: column for column in found.get_columns(table.name, schema="gateway")}
            assert set(columns) == set(table.columns.keys())
            for column in table.columns:
                assert columns[column.name]["nullable"] == column.nullable, column

    async with database("gateway").connect() as tx:
        await tx.run_sync(compare)
