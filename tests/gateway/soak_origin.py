"""A service to put behind a gateway for long, in a process of its own: `python -m tests.gateway.soak_origin SOCKET`.

It answers every request at once, streams events at `/…/events`, and echoes on websockets.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

EVERY = 0.1
"""Seconds between two events."""


async def say(request: Request) -> PlainTextResponse:
    """What was asked, and how long the body was."""
    return PlainTextResponse(f"{request.method} {len(await request.body())}".ljust(1024))


async def events(_request: Request) -> StreamingResponse:
    """One event after the other, until somebody ends it."""

    async def tell() -> AsyncIterator[bytes]:
        while True:
            yield b"data: on\n\n"
            await asyncio.sleep(EVERY)

    return StreamingResponse(tell(), media_type="text/event-stream")


async def echo(websocket: WebSocket) -> None:
    """Say the same."""
    await websocket.accept()
    async for message in websocket.iter_text():
        await websocket.send_text(message)


WAYS = [
    WebSocketRoute("/{zone}/live", echo),
    Route("/{zone}/events", events),
    Route("/{rest:path}", say, methods=["GET", "POST"]),
]

if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=WAYS), uds=sys.argv[1], log_config=None, loop="uvloop", lifespan="off", timeout_keep_alive=600
    )
