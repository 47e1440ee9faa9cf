"""What every web process does the same way: a correlation id on each exchange, and problems told as RFC 9457 says.

Wrap an application with `web_application(app)`. Behind the gateway the correlation id that it sends is kept; in front
of everything (`trust_correlation=False`) a new one is made.
"""

from __future__ import annotations

import re
import secrets
from http import HTTPStatus

import msgspec
import structlog
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.connections import is_away
from config.problem import CORRELATION_HEADER, HELP_BEHIND_THE_GATEWAY, PROBLEM_JSON, Problem, ProblemType

_log = structlog.get_logger(__name__)
MARK = CORRELATION_HEADER.lower().encode()
"""The header of a correlation id."""
_SOUND = re.compile(rb"[A-Za-z0-9_-]{8,64}")

UNEXPECTED = ProblemType(
    "MJ-WEB-001",
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "Something went wrong on our side",
    "Try again in a moment. If it happens again, tell support the correlation id.",
)
STORE_AWAY = ProblemType(
    "MJ-WEB-002",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The service can't reach what it keeps its records in",
    "Nothing is lost. Try again in a moment.",
)


def new_correlation_id() -> str:
    """An identifier for one exchange: 16 characters, shown to people and written to every log line about it."""
    return secrets.token_urlsafe(12)


def correlation_id(request: HTTPConnection) -> str:
    """The id of the exchange at hand."""
    found: str = request.scope.get("state", {}).get("correlation_id", "")
    return found


def help_at(request: HTTPConnection) -> str:
    """Where the help pages of whoever answers are."""
    found: str = request.scope.get("state", {}).get("help_at", HELP_BEHIND_THE_GATEWAY)
    return found


def problem_response(request: HTTPConnection, problem: Problem) -> Response:
    """The answer to a program; what is private goes to the log under the same correlation id."""
    ident = correlation_id(request)
    _log.info("problem", kind=problem.kind.code, status=problem.kind.status.value, private=problem.private)
    return Response(
        msgspec.json.encode(problem.document(ident, help_at(request))),
        status_code=problem.kind.status.value,
        media_type=PROBLEM_JSON,
        headers={"Cache-Control": "no-store", **problem.headers},
    )


def fault(error: Exception) -> Problem:
    """What is said of an error of ours, which goes to the log: an engine that is away is worth asking again."""
    if is_away(error):
        _log.warning("store_away", error=type(error).__name__)
        return Problem(STORE_AWAY, headers={"Retry-After": "1"})
    _log.exception("unexpected", error=type(error).__name__)
    return Problem(UNEXPECTED)


class WebApplication:
    """An ASGI application that bears a correlation id and turns what was raised into an answer."""

    def __init__(self, app: ASGIApp, *, trust_correlation: bool, help_at: str) -> None:
        self._app = app
        self._trust = trust_correlation
        self._help_at = help_at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        ident = self.mark(scope)
        structlog.contextvars.bind_contextvars(correlation_id=ident)
        started = False

        async def send_marked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message.setdefault("headers", [])
                message["headers"] = [*message["headers"], (MARK, ident.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Problem as problem:
            if started or scope["type"] == "websocket":
                raise
            await problem_response(Request(scope), problem)(scope, receive, send_marked)
        except Exception as error:
            told = fault(error)
            if started or scope["type"] == "websocket":
                raise
            await problem_response(Request(scope), told)(scope, receive, send_marked)
        finally:
            structlog.contextvars.unbind_contextvars("correlation_id")

    def mark(self, scope: Scope) -> str:
        """Give an exchange its id, which the answer has to bear as `MARK`."""
        ident = self._identify(scope)
        scope.setdefault("state", {}).update(correlation_id=ident, help_at=self._help_at)
        return ident

    def _identify(self, scope: Scope) -> str:
        if self._trust:
            sent = [value for name, value in scope["headers"] if name == MARK]
            if len(sent) == 1 and _SOUND.fullmatch(sent[0]):
                return str(sent[0].decode())
        return new_correlation_id()


def web_application(
    app: ASGIApp, *, trust_correlation: bool = False, help_at: str = HELP_BEHIND_THE_GATEWAY
) -> WebApplication:
    """Wrap a whole application, outermost. `help_at`: where its problems' help pages are."""
    return WebApplication(app, trust_correlation=trust_correlation, help_at=help_at)
