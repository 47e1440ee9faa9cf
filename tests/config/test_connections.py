"""What the connections to the engines keep to themselves."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from config.connections import Database, is_away, open_database, reading
from config.direct import Statement, looking
from config.sections.engines import Role
from config.settings import Settings
from config.warm_connections import WARM
from tests.engines import engines_for_tests


async def test_an_error_of_the_database_names_no_value(database: Callable[[Role], Database]) -> None:
    """Its text goes to the log, and the value may be a secret."""
    async with database("idp").connect() as tx:
        with pytest.raises(DBAPIError) as failed:
            await tx.execute(text("SELECT 1 / (length(:secret) - length(:secret))"), {"secret": "hunter2"})
    assert "division by zero" in str(failed.value)
    assert "hunter2" not in str(failed.value)


@pytest.mark.parametrize(
    ("statement", "values", "away"),
    [
        ("SELECT CAST(:given AS text)", {"given": "a\0b"}, False),  # 22021
        ("SELECT 1 / CAST(:given AS int)", {"given": 0}, False),  # 22012
        ("SELECT CAST(:given AS int)", {"given": "no number"}, False),  # it does not leave the driver
        ("DO $$ BEGIN RAISE SQLSTATE '57P01'; END $$", {}, True),
        ("DO $$ BEGIN RAISE SQLSTATE '53300'; END $$", {}, True),
        ("DO $$ BEGIN RAISE SQLSTATE '25006'; END $$", {}, True),
    ],
)
async def test_what_was_asked_wrongly_is_no_server_that_is_away(
    database: Callable[[Role], Database], statement: str, values: dict[str, object], away: bool
) -> None:
    async with database("idp").connect() as tx:
        with pytest.raises(DBAPIError) as failed:
            await tx.execute(text(statement), values)
    assert is_away(failed.value) is away
    async with looking(database("idp")) as tx:
        with pytest.raises(Exception, match=r"\w") as by_driver:
            await Statement(text(statement)).rows(tx, **values)
    assert not isinstance(by_driver.value, DBAPIError)
    assert is_away(by_driver.value) is away


async def test_a_statement_that_takes_too_long_is_ended_and_the_connection_serves_on(settings: Settings) -> None:
    hasty = settings.model_copy(
        update={"database": settings.database.model_copy(update={"statement_timeout": 0.2, "pool_size": 1})}
    )
    database = open_database(hasty, "idp")
    try:
        with pytest.raises(DBAPIError) as failed:
            async with database.begin() as tx:
                await tx.execute(text("SELECT pg_sleep(30)"))
        assert is_away(failed.value)
        async with database.connect() as tx:
            assert await tx.scalar(text("SELECT 1")) == 1
    finally:
        await database.dispose()


@pytest.fixture
def mortal() -> Iterator[Settings]:
    """Settings of an engine of this test's own."""
    with engines_for_tests() as engines, engines.private() as own:
        yield own


def everybody(settings: Settings) -> list[int]:
    """The postmaster and its children."""
    (postmaster,) = (int(file.read_text().split()[0]) for file in settings.var.parent.rglob("postmaster.pid"))
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [postmaster, *map(int, children)]


async def test_a_frozen_engine_is_waited_for_no_longer_than_that(mortal: Settings) -> None:
    """It answers nothing and ends nothing itself; what was asked of it fails, and it serves on once it thaws."""
    database = open_database(
        mortal.model_copy(update={"database": mortal.database.model_copy(update={"statement_timeout": 0.2})}), "idp"
    )
    try:
        async with database.connect() as tx:
            await tx.execute(text("SELECT 1"))
            frozen = everybody(mortal)
            begun = time.monotonic()
            try:
                for process in frozen:
                    os.kill(process, signal.SIGSTOP)
                with pytest.raises(TimeoutError):
                    await tx.execute(text("SELECT 1"))
            finally:
                for process in frozen:
                    os.kill(process, signal.SIGCONT)
            assert time.monotonic() - begun < 10
        async with database.connect() as tx:
            assert await tx.scalar(text("SELECT 1")) == 1
    finally:
        await database.dispose()


@pytest.mark.parametrize("rested", [0.0, WARM + 1])
async def test_whoever_comes_after_a_restart_of_the_engine_meets_no_dead_connection(
    settings: Settings, database: Callable[[Role], Database], monkeypatch: pytest.MonkeyPatch, rested: float
) -> None:
    """The connections of a pool are all cut, as a failover does; the first to come, at once or later, is served."""
    pool = open_database(settings, "idp")
    began = time.monotonic()
    try:
        async with pool.connect() as one, pool.connect() as other:
            pids = [await tx.scalar(text("SELECT pg_backend_pid()")) for tx in (one, other)]
        async with database("owner").begin() as tx:
            for pid in pids:
                await tx.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        monkeypatch.setattr("config.warm_connections.monotonic", lambda: began + rested)
        for _ in pids:
            async with pool.connect() as tx:
                assert await tx.scalar(text("SELECT pg_backend_pid()")) not in pids
    finally:
        await pool.dispose()


async def test_a_connection_that_rested_is_asked_and_a_warm_one_is_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = open_database(settings, "idp")
    asked = []
    ask = pool.sync_engine.dialect.do_ping
    monkeypatch.setattr(pool.sync_engine.dialect, "do_ping", lambda connection: asked.append(1) or ask(connection))
    began = time.monotonic()
    try:
        for rested, times in ((0.0, 0), (WARM / 2, 0), (WARM + 1, 1), (WARM + 1, 1)):
            monkeypatch.setattr("config.warm_connections.monotonic", lambda rested=rested: began + rested)
            async with pool.connect() as tx:
                assert await tx.scalar(text("SELECT 1")) == 1
            assert len(asked) == times
    finally:
        await pool.dispose()


async def test_looking_opens_no_transaction(database: Callable[[Role], Database]) -> None:
    moment = text("SELECT now()")  # when the transaction began
    async with reading(database("idp")) as tx:
        assert await tx.scalar(moment) < await tx.scalar(moment)
    async with database("idp").connect() as tx:
        assert await tx.scalar(moment) == await tx.scalar(moment)
