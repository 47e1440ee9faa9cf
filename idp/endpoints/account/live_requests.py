"""`GET /account/requests/events`: which requests wait for a person, told to their open pages whenever it changes.

A page that is loaded shows the same without scripts. Listening is not activity (S6), and ends with the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from config.problem import Problem
from idp.endpoints.account.door import NOT_SIGNED_IN, AccountDoor
from idp.endpoints.account.requests_watch import RequestsWatch
from idp.endpoints.approvals.own_devices import OwnDevices
from idp.endpoints.login.login_page import LoginPages
from idp.endpoints.server_sent import HEADERS, KEEP_ALIVE, RETRY, STILL_HERE, event
from idp.grants.pending import AskedRequests


@dataclass(frozen=True, slots=True)
class _Waiting:
    ids: dict[str, list[str]]
    """By the name of their event."""
    over: datetime | None
    """When the first of them is."""


class LiveRequests:
    """Streams server-sent events: `requests` with the ids that wait, `approvals` with those that this browser may
    answer as a device that approves, and `ended` once nobody is signed in any more."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        door: AccountDoor,
        requests: AskedRequests,
        watch: RequestsWatch,
        own: OwnDevices,
    ) -> None:
        self._own = own
        self._shared = shared
        self._door = door
        self._requests = requests
        self._watch = watch

    async def __call__(self, request: Request) -> Response:
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
        if person is None:
            raise Problem(NOT_SIGNED_IN)
        listening = str(person.account.id)
        news = self._watch.join(listening)
        if news is None:
            return Response(status_code=204, headers=HEADERS)  # tells an EventSource not to come back
        stream = self._stream(request, listening, news)
        return StreamingResponse(stream, media_type="text/event-stream", headers=HEADERS)

    async def _stream(self, request: Request, listening: str, news: asyncio.Event) -> AsyncIterator[bytes]:
        said: dict[str, list[str]] = {}
        try:
            yield RETRY
            while not self._watch.closing:
                news.clear()
                waiting = await self._waiting(request)
                if waiting is None:
                    yield event("ended", {})
                    return
                for name, ids in waiting.ids.items():
                    if ids != said.get(name, [] if name == "approvals" else None):
                        yield event(name, {"waiting": ids})
                    said[name] = ids
                while not news.is_set() and not self._over(waiting.over):
                    await self._pause(news, waiting.over)
                    if not news.is_set():
                        yield STILL_HERE
        except ClientDisconnect:
            return
        finally:
            self._watch.leave(listening, news)

    async def _waiting(self, request: Request) -> _Waiting | None:
        """What waits; None: nobody is signed in here any more."""
        async with self._shared.database.connect() as tx:
            person = await self._door.person(tx, request)
            if person is None:
                return None
            now, user_id = self._shared.clock.now(), person.account.id
            requests = await self._requests.waiting_for(tx, user_id, now)
            own = [device for device in await self._own.of(tx, request) if device.user_id == user_id]
            approvals = [one.request for one in await self._own.waiting(tx, own, now)]
        ids = {
            "requests": [str(one.request_id) for one in requests],
            "approvals": [str(one.id) for one in approvals],
        }
        overs = [*(one.expires_at for one in requests), *(one.expires_at for one in approvals)]
        return _Waiting(ids, min(overs, default=None))

    def _over(self, moment: datetime | None) -> bool:
        return moment is not None and moment <= self._shared.clock.now()

    async def _pause(self, news: asyncio.Event, over: datetime | None) -> None:
        """Until there is news, the first request is over, or it is time to say that the stream is still there."""
        left = (over - self._shared.clock.now()).total_seconds() if over is not None else KEEP_ALIVE
        try:
            async with asyncio.timeout(min(KEEP_ALIVE, left + 0.01)):
                await news.wait()
        except TimeoutError:
            return
