"""A pool of connections whose transactions can be made parts of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncEngine

from config.connections import Database, Transaction


class JoinedDatabase(AsyncEngine):
    """The same pool as another; within `joining` all that the task does through it is one transaction.

    A part that fails is undone alone, as it would be by itself. Other tasks have transactions of their own, those too
    that are begun within.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database.sync_engine)
        self._pool = database
        self._whole: ContextVar[tuple[asyncio.Task[object] | None, Transaction] | None] = ContextVar(
            "whole", default=None
        )

    @asynccontextmanager
    async def joining(self) -> AsyncIterator[Transaction]:
        """One transaction, which is committed at the end, or rolled back if that is reached by an exception."""
        async with self._pool.begin() as tx:
            token = self._whole.set((asyncio.current_task(), tx))
            try:
                yield tx
            finally:
                self._whole.reset(token)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Transaction]:
        whole = self._joined()
        if whole is None:
            async with self._pool.begin() as tx:
                yield tx
        else:
            async with whole.begin_nested():
                yield whole

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Transaction]:  # type: ignore[override] # nobody awaits it here
        whole = self._joined()
        if whole is None:
            async with self._pool.connect() as tx:
                yield tx
        else:
            yield whole

    def _joined(self) -> Transaction | None:
        whole = self._whole.get()
        return whole[1] if whole is not None and whole[0] is asyncio.current_task() else None
