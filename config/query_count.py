"""How many statements a piece of work sends to PostgreSQL: counted where they leave, without asking anybody for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import event

from config.connections import Database


class QueryCount:
    """Statements so far."""

    __slots__ = ("statements",)

    def __init__(self) -> None:
        self.statements = 0


_counting: ContextVar[QueryCount | None] = ContextVar("counting", default=None)


def watch_queries(database: Database) -> None:
    """Count the statements of this pool for whoever is `counting`; to ask again changes nothing."""
    engine = database.sync_engine
    if not event.contains(engine, "before_cursor_execute", _count):
        event.listen(engine, "before_cursor_execute", _count)


@contextmanager
def counting() -> Iterator[QueryCount]:
    """Count what this task, and those that it starts, send; an inner count is the inner one's alone."""
    count = QueryCount()
    token = _counting.set(count)
    try:
        yield count
    finally:
        _counting.reset(token)


def _count(_connection: Any, _cursor: Any, _statement: str, _parameters: Any, _context: Any, _many: bool) -> None:
    count = _counting.get()
    if count is not None:
        count.statements += 1
