"""The composition root of the admin policy API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import Router
from starlette.types import ASGIApp

from config.clock import Clock, SystemClock
from config.connections import Database, Transaction, Valkey, open_database, open_valkey
from config.envelope import Envelope
from config.serving import serve_application
from config.settings import Settings
from config.web import web_application
from jose.assertion import AssertionVerifier
from jose.assertion_middleware import AssertionRequired
from jose.keys import PublicKeys
from jose.storage.keys import SigningKeys
from policy.admin.desk import Desk
from policy.admin.endpoints import PolicyApi, nothing_here
from policy.live import LivePolicy
from policy.storage.versions import PolicyVersions

SERVICE: Final = "policy"
KEYS_KEPT = 60.0
"""Seconds after which the gateway's public keys are read anew, so that a retired one is not believed for long."""

_log = structlog.get_logger(__name__)


def application(database: Database, valkey: Valkey, keys: SigningKeys, clock: Clock) -> ASGIApp:
    """The API, without its door."""

    async def policy_keys(tx: Transaction) -> PublicKeys:
        return await keys.public_keys(tx, "policy")

    live = LivePolicy(database, PolicyVersions(), policy_keys, clock)
    api = PolicyApi(Desk(database, valkey, keys, live, clock))
    return Router(api.routes(), redirect_slashes=False, default=nothing_here)


class Door:
    """Lets in only what the gateway asserts for this service."""

    def __init__(self, database: Database, keys: SigningKeys, clock: Clock) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._verifier = AssertionVerifier(SERVICE, {}, self._read)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application behind the door."""
        return web_application(AssertionRequired(app, self._verifier, self._clock), trust_correlation=True)

    async def refresh(self) -> None:
        """Read the gateway's public keys; those that were read stay while the database is away."""
        try:
            self._verifier.replace(await self._read())
        except (OSError, SQLAlchemyError) as error:
            _log.warning("keys_not_read", error=type(error).__name__)

    async def keep_fresh(self) -> None:
        """Do so again and again, until cancelled."""
        while True:
            await asyncio.sleep(KEYS_KEPT)
            await self.refresh()

    async def _read(self) -> PublicKeys:
        async with self._database.connect() as tx:
            return await self._keys.public_keys(tx, "assertion")


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve the API on `run/policy.sock` until `stop` is set."""
    clock, keys = SystemClock(), SigningKeys(Envelope.load(settings))
    database, valkey = open_database(settings, SERVICE), open_valkey(settings)
    try:
        async with database.begin() as tx:
            await keys.ensure_active(tx, "policy", clock.now())
        door = Door(database, keys, clock)
        await door.refresh()
        app = door.around(application(database, valkey, keys, clock))
        fresh = asyncio.create_task(door.keep_fresh())
        try:
            await serve_application(app, f"unix:{settings.upstream_socket(SERVICE)}", ready=ready, stop=stop)
        finally:
            fresh.cancel()
    finally:
        await database.dispose()
        await valkey.aclose()
