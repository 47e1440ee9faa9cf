"""Whom somebody who reads a help page can ask: their organisation, where this browser is signed in."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from config.clock import Clock
from config.connections import Database
from idp.endpoints.login.arrivals import Arrivals
from idp.endpoints.presence import Presence
from pages.help.support import Support

_log = structlog.get_logger(__name__)


class HelpSupport:
    """A help page must come even while nothing else does: whoever cannot be told apart asks the house."""

    def __init__(self, arrivals: Arrivals, presence: Presence, database: Database, clock: Clock) -> None:
        self._arrivals = arrivals
        self._presence = presence
        self._database = database
        self._clock = clock

    async def __call__(self, request: Request) -> Support:
        try:
            async with self._database.connect() as tx:
                session = await self._arrivals.own(tx, request, self._clock.now())
            if session is None:
                shown = await self._presence.of_client(None)
            else:
                shown = await self._presence.of_organisation(session.organisation_id)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("store_away", error=type(error).__name__)
            shown = await self._presence.of_client(None)
        found = shown.support
        return Support(found.name, found.email, found.phone, found.url)
