"""The table in the code is the table that the migrations made."""

from __future__ import annotations

from collections.abc import Callable

from config.connections import Database
from config.sections.engines import Role
from notifications.storage.tables import metadata
from tests.schema import declared_columns, live_columns


async def test_the_table_is_as_migrated(database: Callable[[Role], Database]) -> None:
    async with database("owner").connect() as connection:
        assert await live_columns(connection, "notifications") == declared_columns(connection, metadata)
