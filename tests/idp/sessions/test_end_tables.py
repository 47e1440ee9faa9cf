"""The tables of the code are those of migration 0013."""

from __future__ import annotations

from idp.storage.end_tables import metadata
from tests.idp.conftest import OpenDatabase
from tests.schema import declared_columns, live_columns


async def test_columns(database: OpenDatabase) -> None:
    async with database("owner").connect() as connection:
        live = await live_columns(connection, "idp")
        declared = declared_columns(connection, metadata)
    assert declared == {key: value for key, value in live.items() if key[0] in metadata_names()}


def metadata_names() -> set[str]:
    return {table.name for table in metadata.tables.values()}
