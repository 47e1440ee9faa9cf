"""A problem as a person meets it: a page in their language; whoever did not ask for a page gets RFC 9457."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.problem import Problem, ProblemType
from config.web import UNEXPECTED, fault, problem_response
from idp.endpoints.presence import Shown
from pages import Pages

NO_SUCH_PAGE = ProblemType(
    "MJ-IDP-003",
    HTTPStatus.NOT_FOUND,
    "There is no such page",
    "Look at the address again, or go back to the application.",
)
OTHER_METHOD = ProblemType(
    "MJ-IDP-004",
    HTTPStatus.METHOD_NOT_ALLOWED,
    "This address does not take such a request",
    "Go back to the application and start again.",
)
_BY_STATUS = {404: NO_SUCH_PAGE, 405: OTHER_METHOD}

_log = structlog.get_logger(__name__)


class ProblemPage:
    """Answers with problems, with what the router raises, and with what nobody expected."""

    def __init__(self, pages: Pages, shown: Callable[[Request], Awaitable[Shown]]) -> None:
        """`shown`: whose page whoever is behind a request sees."""
        self._pages = pages
        self._shown = shown

    async def __call__(self, request: Request, error: Exception) -> Response:
        """Starlette's handler of `Problem` and of its own `HTTPException`."""
        if isinstance(error, HTTPException):
            kind = _BY_STATUS.get(error.status_code, UNEXPECTED)
            return await self.answer(request, Problem(kind, headers=dict(error.headers or {})))
        assert isinstance(error, Problem)
        return await self.answer(request, error)

    async def answer(self, request: Request, problem: Problem) -> Response:
        """A page for whoever takes HTML, and `application/problem+json` for everybody else."""
        if "text/html" not in request.headers.get("accept", ""):
            return problem_response(request, problem)
        kind = problem.kind
        _log.info("problem", code=kind.code, status=kind.status.value, private=problem.private)
        response = self._pages.respond(
            request,
            "problem.html",
            status=kind.status.value,
            look=(await self._shown(request)).look,
            code=kind.code,
        )
        response.headers.update(problem.headers)
        return response


class UnexpectedPage:
    """Pure ASGI: what nobody expected becomes a page too, as long as nothing has been sent."""

    def __init__(self, app: ASGIApp, *, problems: ProblemPage) -> None:
        self._app = app
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            answer = await self._problems.answer(Request(scope), fault(error))
            await answer(scope, receive, send)
