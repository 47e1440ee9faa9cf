"""Every revision goes up, comes down, and goes up again to the same schema."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import text

from config.connections import Database, open_database
from config.sections.engines import Role
from config.settings import Settings
from migrations.runner import current_revision, migrate, newest_revision

SHAPE = """
SELECT 'column', table_schema || '.' || table_name, column_name || ' ' || data_type || ' ' || is_nullable
       || ' ' || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
UNION ALL
SELECT 'index', tablename, indexdef FROM pg_indexes WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
UNION ALL
SELECT 'grant', table_schema || '.' || table_name, grantee || ' ' || privilege_type
FROM information_schema.role_table_grants WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, 2, 3
"""


async def shape(settings: Settings) -> list[tuple[str, ...]]:
    database = open_database(settings, "owner")
    async with database.connect() as connection:
        rows = [tuple(row) for row in await connection.execute(text(SHAPE))]
    await database.dispose()
    return rows


async def test_down_to_nothing_and_up_again(settings: Settings, database: Callable[[Role], Database]) -> None:
    before = await shape(settings)
    assert await migrate(settings, "base") == (newest_revision(), None)
    assert await shape(settings) == [row for row in before if "alembic_version" in row[1]]
    assert await migrate(settings) == (None, newest_revision())
    assert await shape(settings) == before


async def test_one_step_down_and_up(settings: Settings) -> None:
    before = await shape(settings)
    newest, earlier = await migrate(settings, "-1")
    assert newest == newest_revision()
    assert earlier == f"{int(newest) - 1:04}"
    await migrate(settings)
    assert await shape(settings) == before


async def test_nothing_is_done_at_the_newest(settings: Settings, database: Callable[[Role], Database]) -> None:
    assert await migrate(settings) == (newest_revision(), newest_revision())
    assert await current_revision(database("owner")) == newest_revision()


async def test_no_extension_is_needed(database: Callable[[Role], Database]) -> None:
    async with database("owner").connect() as connection:
        extensions = (await connection.execute(text("SELECT extname FROM pg_extension"))).scalars().all()
    assert extensions == ["plpgsql"]


async def test_no_role_of_a_service_is_more_than_a_login(database: Callable[[Role], Database]) -> None:
    query = """
        SELECT rolname FROM pg_roles
        WHERE rolname LIKE 'munjigi\\_%' AND rolname <> 'munjigi_owner'
          AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
    """
    async with database("owner").connect() as connection:
        assert (await connection.execute(text(query))).scalars().all() == []
