"""Connections to PostgreSQL and Valkey, opened from settings and closed by whoever opened them."""

from __future__ import annotations

import redis.asyncio as redis
from redis.exceptions import ConnectionError as ValkeyConnectionError
from redis.exceptions import TimeoutError as ValkeyTimeoutError
from sqlalchemy import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from config.settings import Role, Settings

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
    return create_async_engine(
        database_url(settings, role),
        pool_size=settings.database.pool_size,
        max_overflow=settings.database.pool_size,
        pool_timeout=5,
        hide_parameters=True,  # an error's text goes to the log, what was to be written does not
        pool_pre_ping=True,  # after a failover the first request must not meet a dead connection
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


def open_valkey(settings: Settings) -> Valkey:
    """A client of the live store; nothing is connected until it is used. `await …aclose()` closes it."""
    password = settings.valkey.password
    client: Valkey = redis.Redis.from_url(
        settings.valkey_url(),
        password=password.get_secret_value() if password else None,
        decode_responses=True,
        health_check_interval=10,
        socket_connect_timeout=2,
    )
    return client


_AWAY = (InterfaceError, OperationalError, PoolTimeoutError, ValkeyConnectionError, ValkeyTimeoutError)


def is_away(error: Exception) -> bool:
    """Whether an engine could not be reached, broke off, or is only starting: asking again in a moment may help."""
    if isinstance(error, OSError):
        return error.filename is None  # of a socket; an error about a file names it
    # the driver knows no class of its own for a server that is starting up or going down
    return isinstance(error, _AWAY) or type(error) is DBAPIError
