"""Connections to PostgreSQL and Valkey, opened from settings and closed by whoever opened them."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from weakref import WeakKeyDictionary

import asyncpg
import redis.asyncio as redis
from pydantic import SecretStr
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ValkeyConnectionError
from redis.exceptions import TimeoutError as ValkeyTimeoutError
from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from config.sections.engines import Role, ValkeySettings
from config.settings import Settings
from config.warm_connections import watch_connections

Transaction = AsyncConnection
"""An open transaction, as `async with engine.begin() as tx` gives it. Storages take one and never commit."""

Database = AsyncEngine
Valkey = redis.Redis


def database_url(settings: Settings, role: Role) -> URL:
    """The address of PostgreSQL for one role, with its password where one is set."""
    url = make_url(settings.database_url(role))
    password = settings.database.passwords.get(role)
    return url.set(password=password.get_secret_value()) if password else url


def open_database(settings: Settings, role: Role) -> Database:
    """A pool of connections as one service's role; connected on first use. `await …dispose()` closes it."""
    patience = settings.database.statement_timeout
    database = create_async_engine(
        database_url(settings, role),
        pool_size=settings.database.pool_size,
        max_overflow=0,  # what is opened beyond a pool is closed after its first use: it costs more than it does
        pool_timeout=5,
        hide_parameters=True,  # an error's text goes to the log, what was to be written does not
        connect_args={
            "timeout": 5,
            "command_timeout": patience + 1,
            "server_settings": {
                "application_name": f"munjigi-{role}",
                "jit": "off",
                "statement_timeout": str(int(patience * 1000)),
            },
        },
    )
    watch_connections(database)  # after a failover the first request must not meet a dead connection
    return database


def reading(database: Database) -> AbstractAsyncContextManager[Transaction]:
    """A connection to look with: each statement by itself, as READ COMMITTED sees it, without BEGIN and ROLLBACK around
    them, which take as long as a statement. For whatever neither writes nor holds a lock."""
    return each_by_itself(database).connect()


def each_by_itself(database: Database) -> Database:
    """The pool, each of whose statements is a transaction of its own."""
    committing = _committing.get(database)
    if committing is None:
        committing = _committing[database] = database.execution_options(isolation_level="AUTOCOMMIT")
    return committing


_committing: WeakKeyDictionary[Database, Database] = WeakKeyDictionary()
"""Each pool as it is read by: made once, since that costs as much as a statement."""


def open_valkey(settings: Settings) -> Valkey:
    """A client of the live store; nothing is connected until it is used. `await …aclose()` closes it."""
    password = _plain(settings.valkey.password)
    if settings.valkey.sentinels:
        return _open_by_sentinels(settings.valkey, password)
    client: Valkey = redis.Redis.from_url(
        settings.valkey_url(),
        password=password,
        decode_responses=True,
        health_check_interval=10,
        socket_connect_timeout=2,
    )
    return client


class _BySentinels(redis.Redis):
    """A client of whichever server is the primary; its sentinels' connections close with it."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        pool = self.connection_pool
        assert isinstance(pool, SentinelConnectionPool)
        await pool.sentinel_manager.aclose()


def _open_by_sentinels(valkey: ValkeySettings, password: str | None) -> Valkey:
    sentinels = Sentinel(  # type: ignore[no-untyped-call] # the driver leaves it untyped
        [(host.strip("[]"), int(port)) for host, _, port in (one.rpartition(":") for one in valkey.sentinels)],
        sentinel_kwargs={
            "password": _plain(valkey.sentinel_password),
            "socket_connect_timeout": 1,
            "socket_timeout": 1,
            "retry": Retry(NoBackoff(), 0),  # the next sentinel is the retry
        },
    )
    client: Valkey = sentinels.master_for(
        valkey.service,
        redis_class=_BySentinels,
        password=password,
        decode_responses=True,
        health_check_interval=10,
        socket_connect_timeout=2,
        # A connection that is lost is told, and never made up for by a silent second try: another server may answer it,
        # without the last writes of the former. The relay must hear of that and project anew what may be missing (S7).
        retry=Retry(NoBackoff(), 0),
    )
    return client


def _plain(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


_AWAY = (InterfaceError, OperationalError, PoolTimeoutError, ValkeyConnectionError, ValkeyTimeoutError)

_STATES_AWAY = frozenset(("08", "25", "40", "53", "55", "57", "58"))
"""Classes of SQLSTATE: a connection, a server that only reads (after a failover), a transaction that met another, too
few resources, a lock, an operator or a time limit, the system. In all others what was asked is at fault."""


def is_away(error: Exception) -> bool:
    """Whether an engine could not be reached, broke off, or is only starting: asking again in a moment may help."""
    if isinstance(error, OSError):
        return error.filename is None  # of a socket; an error about a file names it
    if isinstance(error, asyncpg.PostgresError):  # of the driver itself (`config.direct`)
        return str(error.sqlstate)[:2] in _STATES_AWAY
    if type(error) is DBAPIError:  # the driver knows no class of its own for most of what PostgreSQL says
        state = getattr(error.orig, "sqlstate", None)
        return state is None or state[:2] in _STATES_AWAY
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # of a value that cannot be sent
    return isinstance(error, _AWAY)
