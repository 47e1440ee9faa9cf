"""What programs ask for most is answered ahead of the router, whose layers cost as much as some of the answers."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from config.problem import Problem
from config.web import fault
from idp.endpoints.problem_page import ProblemPage
from idp.routes import Endpoint


class Directly:
    """Pure ASGI: finds an endpoint by method and path to the letter; all else is the application's behind it."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[tuple[str, str], Endpoint], problems: ProblemPage) -> None:
        self._app = app
        self._endpoints = endpoints
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await endpoint(request)
        except Problem as problem:
            response = await self._problems.answer(request, problem)
        except Exception as error:
            response = await self._problems.answer(request, fault(error))
        await response(scope, receive, send)
