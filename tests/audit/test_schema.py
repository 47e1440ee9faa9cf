"""The tables in the code are the tables of the migrations."""

from __future__ import annotations

from audit.storage.tables import metadata
from tests.schema import declared_columns, live_columns


async def test_the_code_knows_the_schema_as_it_is(database):
    async with database("owner").connect() as connection:
        assert declared_columns(connection, metadata) == await live_columns(connection, "audit")
