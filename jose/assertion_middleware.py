"""The door of an upstream: nothing enters without the gateway's assertion.

Stands inside `config.web.web_application`, around the whole application, websockets included. What was asserted is in
the scope's state under `assertion`.
"""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from config.clock import Clock
from config.problem import Problem, ProblemType
from config.web import problem_response
from jose.assertion import HEADER, Assertion, AssertionVerifier
from jose.jws import InvalidToken

_HEADER = HEADER.lower().encode()

ASSERTION_REFUSED = ProblemType(
    "MJ-JOSE-001",
    HTTPStatus.UNAUTHORIZED,
    "The request did not come through the gateway",
    "Send the request to the public address of the service.",
)


class AssertionRequired:
    """Answers 401 to whatever lacks exactly one sound assertion for this upstream."""

    def __init__(self, app: ASGIApp, verifier: AssertionVerifier, clock: Clock) -> None:
        self._app = app
        self._verifier = verifier
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            scope.setdefault("state", {})["assertion"] = await self._asserted(scope)
        except InvalidToken as error:
            await self._refuse(error.refusal.value, scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _asserted(self, scope: Scope) -> Assertion:
        sent = [value for name, value in scope["headers"] if name == _HEADER]
        # none and several are refused alike, as a token that cannot be read
        token = sent[0].decode("latin-1") if len(sent) == 1 else ""
        return await self._verifier.verify(token, now=self._clock.timestamp())

    async def _refuse(self, why: str, scope: Scope, receive: Receive, send: Send) -> None:
        refused = Problem(ASSERTION_REFUSED, private=why)
        if scope["type"] == "http":
            await problem_response(Request(scope), refused)(scope, receive, send)
            return
        websocket = WebSocket(scope, receive, send)
        await websocket.send_denial_response(problem_response(websocket, refused))


def assertion_of(connection: HTTPConnection) -> Assertion:
    """What the gateway says of a request or a websocket that passed the door."""
    found: Assertion = connection.scope["state"]["assertion"]
    return found
