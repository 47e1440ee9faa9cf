"""`GET /approvals/events`: what waits for this browser's word, told to its open pages whenever that changes.

For browsers that no push service reaches, and beside it for all others. Listening needs no session.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from config.clock import Clock
from config.connections import Database
from idp.endpoints.account.requests_watch import RequestsWatch
from idp.endpoints.approvals.own_devices import Asked, OwnDevices
from idp.endpoints.server_sent import HEADERS, KEEP_ALIVE, RETRY, STILL_HERE, event


class LiveApprovals:
    """Streams server-sent events: `approvals` with the ids that wait."""

    def __init__(self, *, own: OwnDevices, watch: RequestsWatch, database: Database, clock: Clock) -> None:
        self._own = own
        self._watch = watch
        self._database = database
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        async with self._database.connect() as tx:
            people = sorted({str(device.user_id) for device in await self._own.of(tx, request)})
        joined = [(person, news) for person in people if (news := self._watch.join(person)) is not None]
        if not joined:
            return Response(status_code=204, headers=HEADERS)  # tells an EventSource not to come back
        return StreamingResponse(self._stream(request, joined), media_type="text/event-stream", headers=HEADERS)

    async def _stream(self, request: Request, joined: list[tuple[str, asyncio.Event]]) -> AsyncIterator[bytes]:
        said: list[str] | None = None
        try:
            yield RETRY
            while not self._watch.closing:
                for _, news in joined:
                    news.clear()
                waiting = await self._waiting(request)
                ids = [str(one.request.id) for one in waiting]
                if ids != said:
                    yield event("approvals", {"waiting": ids})
                    said = ids
                over = min((one.request.expires_at for one in waiting), default=None)
                while not any(news.is_set() for _, news in joined) and not self._over(over):
                    await self._pause([news for _, news in joined], over)
                    if not any(news.is_set() for _, news in joined):
                        yield STILL_HERE
        except ClientDisconnect:
            return
        finally:
            for person, news in joined:
                self._watch.leave(person, news)

    async def _waiting(self, request: Request) -> list[Asked]:
        async with self._database.connect() as tx:
            return await self._own.waiting(tx, await self._own.of(tx, request), self._clock.now())

    def _over(self, moment: datetime | None) -> bool:
        return moment is not None and moment <= self._clock.now()

    async def _pause(self, news: list[asyncio.Event], over: datetime | None) -> None:
        """Until there is news, the first question is over, or it is time to say that the stream is still there."""
        left = (over - self._clock.now()).total_seconds() if over is not None else KEEP_ALIVE
        waits = [asyncio.create_task(one.wait()) for one in news]
        try:
            await asyncio.wait(waits, timeout=min(KEEP_ALIVE, left + 0.01), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*waits, return_exceptions=True)
