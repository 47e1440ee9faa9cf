"""The tables of the code are those of migration 0023, and what waits too long is forgotten."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, inspect, text
from sqlalchemy.dialects import postgresql

from idp.storage import protocol_sweep
from idp.storage.upstream_tables import metadata
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.federation.conftest import Acme
from tests.idp.provider import Provider

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


async def test_the_sweeper_forgets_questions(
    acme: Acme, provider: Provider, database: OpenDatabase, clock: FakeClock
) -> None:
    await acme.leave(provider.browser())
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.login SET expires_at = expires_at + interval '1 day'"))
    for later, left in ((599, 1), (600, 0)):
        async with database("worker").begin() as tx:
            await protocol_sweep.sweep(tx, clock.now() + timedelta(seconds=later))
        assert await acme.attempts() == left
