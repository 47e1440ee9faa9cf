"""The composition root of the console."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from config.clock import SystemClock
from config.connections import open_database
from config.envelope import Envelope
from config.problem import Problem
from config.serving import serve_application
from config.settings import Settings
from console.pages import NOTHING_HERE, ConsolePages
from jose.entrance import Entrance
from jose.storage.keys import SigningKeys

SERVICE: Final = "console"


def application() -> ASGIApp:
    """The console, without its entrance."""
    pages = ConsolePages()
    return ProblemsAsPages(Router(pages.routes(), redirect_slashes=False, default=nothing_here), pages)


class ProblemsAsPages:
    """A problem is a page to whoever takes HTML; programs get theirs from `config.web`."""

    def __init__(self, app: ASGIApp, pages: ConsolePages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Problem as problem:
            request = Request(scope, receive)
            if "text/html" not in request.headers.get("accept", ""):
                raise
            await self._pages.problem(request, problem)(scope, receive, send)


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """What the router answers where it knows no route."""
    raise Problem(NOTHING_HERE)


async def serve(settings: Settings, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve the console on its socket until `stop` is set."""
    database = open_database(settings, SERVICE)
    try:
        entrance = await Entrance.open(
            SERVICE, database, SigningKeys(Envelope.load(settings)).assertion_keys, SystemClock()
        )
        async with asyncio.TaskGroup() as tasks:
            fresh = tasks.create_task(entrance.keep_keys_fresh())
            listen = f"unix:{settings.upstream_socket(SERVICE)}"
            await serve_application(entrance.around(application()), listen, ready=ready, stop=stop)
            fresh.cancel()
    finally:
        await database.dispose()
