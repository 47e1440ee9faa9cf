"""`GET /session/status`: how long this browser's session still lives. Asking is not activity (S6)."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database
from config.problem import Problem
from idp.endpoints.account.door import NOT_SIGNED_IN
from idp.endpoints.login.arrivals import Arrivals


class SessionStatusEndpoint:
    """Answers the scripts of our own pages; no other origin may read it."""

    def __init__(self, arrivals: Arrivals, database: Database, clock: Clock) -> None:
        self._arrivals = arrivals
        self._database = database
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        async with self._database.connect() as tx:
            now = self._clock.now()
            session = await self._arrivals.own(tx, request, now)
        if session is None:
            raise Problem(NOT_SIGNED_IN)
        return Response(
            msgspec.json.encode(
                {
                    "state": "live",
                    "now": now.timestamp(),
                    "idle_expires_at": session.idle_expires_at.timestamp(),
                    "absolute_expires_at": session.absolute_expires_at.timestamp(),
                }
            ),
            media_type="application/json",
            headers={"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin"},
        )
