"""Statements that are sent by the driver itself, past SQLAlchemy, which takes several times as long as the driver does.

For those that are asked for again and again. A statement is made by SQLAlchemy as all are, and compiled once; on a
connection that `looking` or `sharing` opened it is sent by asyncpg, on any other by SQLAlchemy. Rows are read by name.
Values pass as the driver has them: a column of JSON must be cast to text, and an address by `host`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any, Self

from sqlalchemy import ClauseElement, Executable
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler

from config.connections import Database, Transaction, each_by_itself

Rows = Sequence[Any]
"""Each read by name, as `row["sid"]`."""


class _Direct(AsyncConnection):
    """A connection of the pool whose driver is spoken to as well. SQLAlchemy begins nothing on it by itself."""

    __slots__ = ("driver", "shared", "transaction")

    driver: Any
    """asyncpg's connection."""
    shared: bool
    """Whether `hold` begins a transaction."""
    transaction: Any
    """asyncpg's, once it is begun."""

    async def start(self, is_ctxmanager: bool = False) -> Self:
        """Take it out of the pool."""
        await super().start(is_ctxmanager)
        assert self.sync_connection is not None
        self.driver = self.sync_connection.connection.driver_connection
        self.shared, self.transaction = False, None
        return self


class Statement:
    """One statement, with its parameters by name."""

    def __init__(self, statement: Executable) -> None:
        self._statement = statement

    @cached_property
    def _compiled(self) -> tuple[str, Mapping[str, Any]]:
        """The text, and its parameters in order: what they are where the statement itself says it, and else nothing."""
        assert isinstance(self._statement, ClauseElement)
        compiled = self._statement.compile(dialect=asyncpg.dialect())  # type: ignore[no-untyped-call]
        assert isinstance(compiled, SQLCompiler)
        return str(compiled), {name: compiled.params[name] for name in compiled.positiontup or ()}

    async def rows(self, tx: Transaction, **values: Any) -> Rows:
        """What it answers; nothing where it answers no rows. Raises the driver's errors, or SQLAlchemy's."""
        if isinstance(tx, _Direct):
            sql, parameters = self._compiled
            rows: Rows = await tx.driver.fetch(sql, *{**parameters, **values}.values())
            return rows
        result = await tx.execute(self._statement, values)
        return result.mappings().all() if result.returns_rows else ()


@asynccontextmanager
async def looking(database: Database) -> AsyncIterator[Transaction]:
    """A connection to look with, as `config.connections.reading` gives it."""
    async with _Direct(each_by_itself(database)) as connection:
        yield connection


@asynccontextmanager
async def sharing(database: Database) -> AsyncIterator[Transaction]:
    """A transaction that begins when something must `hold`; until then each statement is one by itself, as it is in
    READ COMMITTED for what only looks. Committed at the end, and rolled back where something is raised."""
    connection = _Direct(each_by_itself(database))
    async with connection:
        connection.shared = True
        try:
            yield connection
        except BaseException:
            if connection.transaction is not None:
                await connection.transaction.rollback()
            raise
        else:
            if connection.transaction is not None:
                await connection.transaction.commit()
        finally:
            if connection.driver.is_in_transaction():  # broken off twice: nobody else may go on in it
                connection.driver.terminate()


async def hold(tx: Transaction) -> None:
    """From here on all stands or falls together, and locks are held until the end."""
    if isinstance(tx, _Direct) and tx.shared and tx.transaction is None:
        transaction = tx.driver.transaction()
        try:
            await transaction.start()
        except BaseException:  # cut off here, it may have begun without anybody's knowing
            tx.driver.terminate()
            raise
        tx.transaction = transaction
