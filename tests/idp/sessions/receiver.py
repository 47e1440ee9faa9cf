"""A relying party of the tests: a real HTTP server on loopback that keeps what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.serving import serve_application
from tests.house import free_port

Answer = Callable[[Request, bytes], Awaitable[Response]]


async def _takes_it(_request: Request, _body: bytes) -> Response:
    return Response(status_code=200)


@dataclass
class Receiver:
    """One relying party."""

    port: int
    answer: Answer = _takes_it
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/told"

    def tokens(self) -> list[str]:
        """The logout tokens that came."""
        return [parse_qs(body.decode())["logout_token"][0] for body in self.bodies]

    async def take(self, request: Request) -> Response:
        body = await request.body()
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        return await self.answer(request, body)


@asynccontextmanager
async def receiving(answer: Answer = _takes_it) -> AsyncIterator[Receiver]:
    receiver = Receiver(free_port(), answer)
    app = Starlette(routes=[Route("/told", receiver.take, methods=["POST"])])
    ready, stop = asyncio.Event(), asyncio.Event()
    listen = f"127.0.0.1:{receiver.port}"
    serving = asyncio.create_task(serve_application(app, listen, ready=ready.set, stop=stop))
    await asyncio.wait_for(ready.wait(), 10)
    try:
        yield receiver
    finally:
        stop.set()
        await serving


def saying(status: int, **headers: str) -> Answer:
    """Answers with a status."""

    async def answer(_request: Request, _body: bytes) -> Response:
        return Response(b'{"error":"no"}', status_code=status, headers=headers)

    return answer
