"""The websocket that tells a person's pages what became of their requests (RFC 6455).

A page is told what it has not acknowledged as soon as it connects, then every result as it is decided. It acknowledges
with `{"acknowledge": [id, …]}`. The same result may come more than once: `id` and `state` tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from config.clock import Clock
from config.connections import Database
from config.problem import Problem
from config.web import problem_response
from jose.assertion_middleware import assertion_of
from upstreams.door.forms import require_same_origin
from upstreams.door.obligations import masked
from upstreams.door.person import Person, person_of
from upstreams.reservation.results import Hub, Page, Sign, TooManyPages
from upstreams.reservation.stores import Stores

RECENT = timedelta(minutes=10)
"""Results of this last while are told to a page that connects even where another page acknowledged them."""
GOING_AWAY = 1001
POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013


class Told(msgspec.Struct, forbid_unknown_fields=True):
    """What a page says."""

    acknowledge: Annotated[list[UUID], msgspec.Meta(max_length=256)]


class Events:
    """The endpoint of results."""

    def __init__(self, database: Database, stores: Stores, hub: Hub, clock: Clock) -> None:
        self._database = database
        self._hub = hub
        self._clock = clock
        self._stores = stores

    def routes(self) -> list[BaseRoute]:
        return [WebSocketRoute("/reservations/events", self.follow)]

    async def follow(self, websocket: WebSocket) -> None:
        """GET /reservations/events, upgraded."""
        try:
            require_same_origin(websocket)
            person = person_of(websocket)
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
            await _first_of(self._tell(websocket, page), self._hear(websocket, person))
        except WebSocketDisconnect:
            pass  # the page went while it was being told
        finally:
            self._hub.leave(page)

    async def _tell(self, websocket: WebSocket, page: Page) -> None:
        while True:
            item = await page.next()
            if item is Sign.LEAVE:
                await websocket.close(GOING_AWAY, "the service restarts")
                return
            if isinstance(item, bytes):
                await websocket.send_text(self._shown(websocket, item))
                continue
            async with self._database.connect() as tx:
                records = await self._stores.records.to_tell(tx, page.person, self._clock.now() - RECENT)
            for record in reversed(records):
                await websocket.send_text(self._shown(websocket, record.json()))

    def _shown(self, websocket: WebSocket, record: bytes) -> str:
        obligations = assertion_of(websocket).obligations
        if obligations:
            record = msgspec.json.encode(masked(msgspec.json.decode(record), obligations))
        return record.decode()

    async def _hear(self, websocket: WebSocket, person: Person) -> None:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                told = msgspec.json.decode(message.get("text") or message.get("bytes") or b"", type=Told)
            except msgspec.MsgspecError:
                with suppress(RuntimeError, WebSocketDisconnect):
                    await websocket.close(POLICY_VIOLATION, "not understood")
                return
            async with self._database.begin() as tx:
                await self._stores.requests.acknowledge(tx, person.id, told.acknowledge, self._clock.now())


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
