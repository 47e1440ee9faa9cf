"""The door of the transmitter's API: which receiver asks, what it sent, and how it is answered."""

from __future__ import annotations

from http import HTTPStatus
from typing import TypeVar
from uuid import UUID

import msgspec
from authlib.oauth2 import OAuth2Error
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from config.problem import Problem, ProblemType
from idp.clients.client import Client
from idp.endpoints.client_requests import ClientRequests
from idp.endpoints.oauth_answers import NO_STORE
from idp.sessions.signals.stream import SCOPE, Unacceptable

LARGEST = 65_536
"""Bytes of a body."""

NOT_A_RECEIVER = ProblemType(
    "MJ-IDP-200",
    HTTPStatus.UNAUTHORIZED,
    "The receiver did not prove itself",
    "Send the client's own credentials by HTTP Basic.",
)
NO_SIGNALS = ProblemType(
    "MJ-IDP-201",
    HTTPStatus.FORBIDDEN,
    "This client may not receive shared signals",
    "Ask whoever registers clients for the scope ssf.manage.",
)
NO_SUCH_STREAM = ProblemType(
    "MJ-IDP-202",
    HTTPStatus.NOT_FOUND,
    "There is no such stream",
    "List your streams at the configuration endpoint.",
)
UNACCEPTABLE = ProblemType(
    "MJ-IDP-203",
    HTTPStatus.BAD_REQUEST,
    "The request cannot be taken",
    "Compare it with the OpenID Shared Signals Framework 1.0.",
)
TOO_MANY_STREAMS = ProblemType(
    "MJ-IDP-204",
    HTTPStatus.CONFLICT,
    "This client has as many streams as it may have",
    "Update one of them, or delete one first.",
)
TOO_OFTEN = ProblemType(
    "MJ-IDP-205",
    HTTPStatus.TOO_MANY_REQUESTS,
    "A verification was asked for a moment ago",
    "Wait for min_verification_interval seconds.",
)

T = TypeVar("T")


class SignalsDoor:
    """Lets receivers in."""

    def __init__(self, requests: ClientRequests) -> None:
        self._requests = requests

    async def receiver(self, request: Request) -> Client:
        """The client that asks. Raises `NOT_A_RECEIVER`, `NO_SIGNALS`."""
        try:
            client = await self._requests.by_header(request, "signals")
        except OAuth2Error as error:
            raise Problem(
                NOT_A_RECEIVER,
                private=str(error.error),
                headers={"WWW-Authenticate": 'Basic realm="munjigi", charset="UTF-8"'},
            ) from None
        if SCOPE not in client.scopes:
            raise Problem(NO_SIGNALS, private=client.client_id)
        return client


async def read_json(request: Request, shape: type[T]) -> T:
    """The body, as it must look. Raises `UNACCEPTABLE`."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST:
                raise Problem(UNACCEPTABLE, "The body is too large.")
        return msgspec.json.decode(bytes(body), type=shape)
    except ClientDisconnect:
        raise Problem(UNACCEPTABLE, "The body broke off.") from None
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Problem(UNACCEPTABLE, f"The body cannot be read: {error}") from None


def refused(error: Unacceptable) -> Problem:
    """What a receiver is told that asked for something that cannot be."""
    return Problem(UNACCEPTABLE, f"{error}.")


def as_stream_id(value: str | None) -> UUID:
    """Raises `UNACCEPTABLE` where it is missing, `NO_SUCH_STREAM` where it cannot be one of ours."""
    if value is None:
        raise Problem(UNACCEPTABLE, "stream_id is missing.")
    try:
        return UUID(value)
    except ValueError:
        raise Problem(NO_SUCH_STREAM) from None


def answer(body: object, status: int = 200) -> Response:
    """JSON that nobody stores."""
    return Response(
        msgspec.json.encode(body), status_code=status, media_type="application/json", headers=dict(NO_STORE)
    )


def nothing() -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT, headers=dict(NO_STORE))
