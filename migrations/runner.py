"""Bring the database up or down, as its owner; any number of processes may try at once."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

from config.connections import Database, open_database
from config.settings import Settings

HERE = Path(__file__).parent
_LOCK = 0x6D756E6A  # "munj": one migration at a time


def newest_revision() -> str:
    """The revision that a database should be at. Files bear their revision's number first, so none is executed."""
    return max(file.name.partition("_")[0] for file in (HERE / "versions").glob("[0-9]*_*.py"))


async def current_revision(database: Database) -> str | None:
    """The revision that the database is at; `None` before the first."""
    async with database.connect() as connection:
        if await connection.scalar(text("SELECT to_regclass('public.alembic_version')")) is None:
            return None
        found: str | None = await connection.scalar(text("SELECT version_num FROM public.alembic_version"))
        return found


async def migrate(settings: Settings, target: str = "head") -> tuple[str | None, str | None]:
    """Bring the database to `target`: `head`, `base`, a revision, or a step such as `-1`.

    Gives the revisions before and after. Each revision is a transaction of its own.
    At the newest already, nothing is done.
    """
    database = open_database(settings, "owner")
    try:
        before = await current_revision(database)
        if target == "head" and before == newest_revision():
            return before, before
        async with database.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await connection.commit()
            await connection.run_sync(_run, target, before)
        return before, await current_revision(database)
    finally:
        await database.dispose()


def _run(connection: Connection, target: str, before: str | None) -> None:
    from alembic import command  # a database that is at the newest revision needs no Alembic: it takes long to import
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = connection
    down = target == "base" or target.startswith("-") or (before is not None and target.isdigit() and target < before)
    (command.downgrade if down else command.upgrade)(config, target)
