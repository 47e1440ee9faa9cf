"""The entrance of a service behind the gateway: it knows the gateway by its signature alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp

from config.clock import Clock
from config.connections import Database, Transaction
from config.web import web_application
from jose.assertion import AssertionVerifier
from jose.assertion_middleware import AssertionRequired
from jose.keys import PublicKeys

LOOK_EVERY = 2.0
"""Seconds between two looks at the public keys: a key that leaked is believed no longer than that. A look costs a row
or two, and needs neither the event stream nor the gateway."""
_log = structlog.get_logger(__name__)


class Entrance:
    """Stands around the whole application of one service."""

    def __init__(self, service: str, keys: PublicKeys, load: Callable[[], Awaitable[PublicKeys]], clock: Clock) -> None:
        self._load = load
        self._clock = clock
        self._verifier = AssertionVerifier(service, keys, load)

    @classmethod
    async def open(
        cls, service: str, database: Database, read: Callable[[Transaction], Awaitable[PublicKeys]], clock: Clock
    ) -> Entrance:
        """With the keys that the gateway signs with now, as `read` finds them."""

        async def load() -> PublicKeys:
            async with database.connect() as tx:
                return await read(tx)

        return cls(service, await load(), load, clock)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application behind the entrance."""
        return web_application(AssertionRequired(app, self._verifier, self._clock), trust_correlation=True)

    async def keep_keys_fresh(self) -> None:
        """Read the public keys again and again, until cancelled; while the database is away the last ones stay."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                self._verifier.replace(await self._load())
            except (OSError, SQLAlchemyError) as error:
                _log.warning("keys_not_read", error=type(error).__name__)
