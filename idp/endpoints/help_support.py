"""Whom somebody who reads a help page can ask: their organisation, or that of the app that sent them to sign in."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from config.clock import Clock
from config.connections import Database, Transaction
from idp.authorization.step_mac import browser_hash
from idp.endpoints.login.arrivals import Arrivals
from idp.endpoints.login.hops import login_cookies
from idp.endpoints.presence import Presence, Shown
from pages.help.support import Support

_log = structlog.get_logger(__name__)


class LoginsOfBrowsers(Protocol):
    """Where logins are kept."""

    async def client_of(self, tx: Transaction, browsers: Collection[bytes], now: datetime) -> str | None:
        """The client whose login one of these browsers is in the middle of; of several the newest."""


class HelpSupport:
    """A help page must come even while nothing else does: whoever cannot be told apart asks the house."""

    def __init__(
        self, arrivals: Arrivals, logins: LoginsOfBrowsers, presence: Presence, database: Database, clock: Clock
    ) -> None:
        self._arrivals = arrivals
        self._logins = logins
        self._presence = presence
        self._database = database
        self._clock = clock

    async def __call__(self, request: Request) -> Support:
        try:
            shown = await self._shown(request)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("store_away", error=type(error).__name__)
            shown = await self._presence.of_client(None)
        found = shown.support
        return Support(found.name, found.email, found.phone, found.url)

    async def _shown(self, request: Request) -> Shown:
        browsers = [browser_hash(cookie) for cookie in login_cookies(request).values()]
        client_id, now = None, self._clock.now()
        async with self._database.connect() as tx:
            session = await self._arrivals.own(tx, request, now)
            if session is None and browsers:
                client_id = await self._logins.client_of(tx, browsers, now)
        if session is not None:
            return await self._presence.of_organisation(session.organisation_id)
        return await self._presence.of_client(client_id)
