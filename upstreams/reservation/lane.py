"""The short way of a program's POST: the same act as the endpoint's, without what a router and a page need around it.

When something is sold out, asking for it is nearly all that happens. So whatever asks as programs do is taken here,
right behind the entrance; every other request goes the long way. A refusal that is expected is counted, not logged
line by line.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from config.problem import PROBLEM_JSON, Problem
from jose.assertion import Assertion, Subject
from upstreams.door.answers import MAX_BODY, NOT_UNDERSTOOD, TOO_LARGE
from upstreams.door.person import Person, person_asserted
from upstreams.reservation.desk import Desk
from upstreams.reservation.endpoints.asked import Asked
from upstreams.reservation.pace import pace_of
from upstreams.reservation.record import SOLD_OUT
from upstreams.trade.idempotency import HEADER, read_key

PATH = "/reservations"
_KEY = HEADER.lower().encode()
_LONG_WAY = frozenset({b"prefer", b"origin", b"sec-fetch-site"})
"""Headers of a browser, or of one that asks for more than usual."""
_HEADERS = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
_REFUSED = ((b"content-type", PROBLEM_JSON.encode()), (b"cache-control", b"no-store"))
_decode = msgspec.json.Decoder(Asked).decode


class Lane:
    """Stands before the application."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            assertion: Assertion = scope["state"]["assertion"]
            if not assertion.obligations and (sent := _sent(scope)) is not None:
                await self._submit(scope, receive, send, assertion, sent[0])
                return
        await self._app(scope, receive, send)

    async def _submit(self, scope: Scope, receive: Receive, send: Send, told: Assertion, key: str | None) -> None:
        person, pace = _person(told.subject), pace_of(told.subject.device_trust, told.risk, ())
        asked = _asked(await _body(receive))
        try:
            lines = [line.line() for line in asked.lines]
            receipt = await self._desk.submit(person, lines, read_key(key), pace)
        except Problem as problem:
            if problem.kind is not SOLD_OUT:
                raise
            state = scope["state"]
            body = msgspec.json.encode(problem.document(state["correlation_id"], state["help_at"]))
            await _answer(send, HTTPStatus.CONFLICT, body, _REFUSED)
            return
        except ValueError as error:
            raise Problem(NOT_UNDERSTOOD, str(error)) from error
        located = (*_HEADERS, (b"location", f"{PATH}/{receipt.record.id}".encode()))
        await _answer(send, HTTPStatus.ACCEPTED, receipt.json(), located)


def _sent(scope: Scope) -> tuple[str | None] | None:
    """The idempotency key as it was sent, if at all; None for a request that goes the long way."""
    key: str | None = None
    json = False
    for name, value in scope["headers"]:
        if name in _LONG_WAY or (name == b"accept" and b"text/html" in value):
            return None
        if name == b"content-type":
            json = value == b"application/json"
        elif name == _KEY:
            key = value.decode("latin-1")
    return (key,) if json else None


@lru_cache(maxsize=16_384)
def _person(subject: Subject) -> Person:
    """The person of a subject, as long as nothing that is asserted of them changes. Raises `NOBODY`."""
    return person_asserted(subject)


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            break
    if len(body) > MAX_BODY:
        raise Problem(TOO_LARGE)
    return body


def _asked(body: bytes) -> Asked:
    try:
        return _decode(body)
    except msgspec.MsgspecError as error:
        raise Problem(NOT_UNDERSTOOD, str(error)) from error


async def _answer(send: Send, status: HTTPStatus, body: bytes, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status.value, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
