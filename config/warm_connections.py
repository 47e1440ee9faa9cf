"""Whether a pooled connection lives is asked before it is used, unless it was in use just now.

SQLAlchemy's own `pool_pre_ping` asks at every use, and takes three round trips for it where the work itself takes two.
Whoever closes a connection, a server that is stopped, killed or fails over, is seen at its socket without asking.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

from asyncpg.exceptions import InternalClientError
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine

WARM = 1.0
"""Seconds for which a connection that was given back is taken for alive, as long as its socket is open."""
_GIVEN_BACK = "given_back"


def watch_connections(database: AsyncEngine) -> None:
    """Let this pool never hand out a connection that is known to be dead, nor a cold one unasked."""
    engine = database.sync_engine
    dialect = engine.dialect

    def given_back(_connection: Any, record: Any) -> None:
        record.info[_GIVEN_BACK] = monotonic()

    def handed_out(connection: Any, record: Any, _proxy: Any) -> None:
        since = record.info.pop(_GIVEN_BACK, None)
        if since is None:  # it was made just now
            return
        if connection.driver_connection.is_closed() or (monotonic() - since > WARM and not lives(connection)):
            raise InvalidatePoolError  # all that are as old as this one are asked for no more, and one is made

    def lives(connection: Any) -> bool:
        try:
            return dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error:
            return False

    def failed(context: ExceptionContext) -> None:
        # the driver lost count of what it had sent when the connection was cut: it never finds its way back
        if isinstance(getattr(context.original_exception, "__cause__", None), InternalClientError):
            context.is_disconnect = True

    event.listen(engine, "handle_error", failed)
    event.listen(engine, "checkin", given_back)
    event.listen(engine, "checkout", handed_out)
