"""Where a person's pages hear what became of their requests: a websocket (RFC 6455), or an event stream (HTML, 9.2).

A page is told what it missed as soon as it connects, then every result as it is decided, and its turn while it waits.
Coming back it names the last `event` it knows: `?last=` on the websocket, `Last-Event-ID` on the stream. A page that
knows none is shown what it has not acknowledged, by `{"acknowledge": [id, …]}`. The same result may come more than
once: `event`, or `id` and `state`, tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from config.clock import Clock
from config.connections import Database
from config.problem import Problem
from config.web import problem_response
from jose.assertion_middleware import assertion_of
from upstreams.door.answers import NOT_UNDERSTOOD
from upstreams.door.forms import require_same_origin
from upstreams.door.obligations import masked
from upstreams.door.person import Person, person_of
from upstreams.reservation.following import Following, Told
from upstreams.reservation.queue import RequestQueue
from upstreams.reservation.record import TOO_MANY_PAGES
from upstreams.reservation.results import Hub, Page, TooManyPages
from upstreams.reservation.stores import Stores

GOING_AWAY = 1001
POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
QUIET = 15.0
"""Seconds after which a stream on which nothing is told says that it is alive."""
STREAM = "text/event-stream"


class Heard(msgspec.Struct, forbid_unknown_fields=True):
    """What a page says."""

    acknowledge: Annotated[list[UUID], msgspec.Meta(max_length=256)]


class Events:
    """The endpoint of results."""

    def __init__(self, database: Database, stores: Stores, hub: Hub, queue: RequestQueue, clock: Clock) -> None:
        self._database = database
        self._hub = hub
        self._clock = clock
        self._stores = stores
        self._following = Following(database, stores, hub, queue, clock)

    def routes(self) -> list[BaseRoute]:
        return [
            WebSocketRoute("/reservations/events", self.follow),
            Route("/reservations/events", self.stream, methods=["GET"]),
        ]

    async def follow(self, websocket: WebSocket) -> None:
        """GET /reservations/events, upgraded."""
        try:
            require_same_origin(websocket)
            person, known = person_of(websocket), _known(websocket.query_params.get("last"))
        except Problem as problem:
            await websocket.send_denial_response(problem_response(websocket, problem))
            return
        await websocket.accept()
        try:
            page = self._hub.enter(person.id)
        except TooManyPages:
            await websocket.close(TRY_AGAIN_LATER, "too many pages")
            return
        try:
            await _first_of(self._tell(websocket, page, known), self._hear(websocket, person))
        except WebSocketDisconnect:
            pass  # the page went while it was being told
        finally:
            self._hub.leave(page)

    async def stream(self, request: Request) -> Response:
        """GET /reservations/events: the same, one way."""
        person = person_of(request)
        known = _known(request.headers.get("last-event-id") or request.query_params.get("last"))
        try:
            page = self._hub.enter(person.id)
        except TooManyPages as error:
            raise Problem(TOO_MANY_PAGES) from error
        return StreamingResponse(
            self._lines(request, page, known),
            media_type=STREAM,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def _lines(self, request: Request, page: Page, known: int | None) -> AsyncIterator[str]:
        following = self._following.follow(page, known)
        waiting: asyncio.Future[Told] | None = None
        try:
            yield "retry: 1000\n\n"
            while True:
                waiting = waiting or asyncio.ensure_future(anext(following))
                await asyncio.wait({waiting}, timeout=QUIET)
                if not waiting.done():
                    yield ": \n\n"
                    continue
                try:
                    told, waiting = waiting.result(), None
                except StopAsyncIteration:
                    return
                number = f"id: {told.event}\n" if told.event else ""
                yield f"{number}event: {told.kind}\ndata: {_shown(request, told.body)}\n\n"
        finally:
            if waiting is not None:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
            await following.aclose()
            self._hub.leave(page)

    async def _tell(self, websocket: WebSocket, page: Page, known: int | None) -> None:
        async for told in self._following.follow(page, known):
            await websocket.send_text(_shown(websocket, told.body))
        await websocket.close(GOING_AWAY, "the service restarts")

    async def _hear(self, websocket: WebSocket, person: Person) -> None:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                heard = msgspec.json.decode(message.get("text") or message.get("bytes") or b"", type=Heard)
            except msgspec.MsgspecError:
                with suppress(RuntimeError, WebSocketDisconnect):
                    await websocket.close(POLICY_VIOLATION, "not understood")
                return
            async with self._database.begin() as tx:
                await self._stores.requests.acknowledge(tx, person.id, heard.acknowledge, self._clock.now())


def _known(sent: str | None) -> int | None:
    if not sent:
        return None
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 18):
        raise Problem(NOT_UNDERSTOOD, "The last event is a number.")
    return int(sent)


def _shown(connection: HTTPConnection, body: bytes) -> str:
    obligations = assertion_of(connection).obligations
    if obligations:
        body = msgspec.json.encode(masked(msgspec.json.decode(body), obligations))
    return body.decode()


async def _first_of(*sides: Coroutine[Any, Any, None]) -> None:
    """Run until one ends, then end the others; what it raised is raised."""
    tasks = [asyncio.create_task(side) for side in sides]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
