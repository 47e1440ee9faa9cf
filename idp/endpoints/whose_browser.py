"""Whose pages somebody sees who may have nothing but a browser: those of the organisation that they are signed in to,
or of the app that sent them to sign in. So it is with pages of help and of problems.
"""

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


class WhoseBrowser:
    """Such a page must come even while nothing else does: whoever cannot be told apart is the house's."""

    def __init__(
        self, arrivals: Arrivals, logins: LoginsOfBrowsers, presence: Presence, database: Database, clock: Clock
    ) -> None:
        self._arrivals = arrivals
        self._logins = logins
        self._presence = presence
        self._database = database
        self._clock = clock

    async def shown(self, request: Request) -> Shown:
        """How the page looks, and whom its reader can ask."""
        try:
            return await self._shown(request)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("store_away", error=type(error).__name__)
            return await self._presence.of_client(None)

    async def asked(self, request: Request) -> Support:
        """The same, for pages of help."""
        shown = await self.shown(request)
        found = shown.support
        return Support(found.name, found.email, found.phone, found.url, shown.look)

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
