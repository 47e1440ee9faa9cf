"""Answers in the form that whoever asks can read: a page to a person, JSON to a program."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from config.problem import Problem, ProblemType
from jose.assertion_middleware import assertion_of
from upstreams.door.obligations import masked
from upstreams.door.words import PersonPages

MAX_BODY = 64 * 1024
"""Bytes of a request's body; no order or reservation comes near it."""
MAX_FIELDS = 1024
"""Fields of a form: a page of slots has a number for each."""

NOT_FOUND = ProblemType("MJ-DOOR-004", HTTPStatus.NOT_FOUND, "There is no such thing here", "Check the address.")
NOT_UNDERSTOOD = ProblemType(
    "MJ-DOOR-005",
    HTTPStatus.UNPROCESSABLE_ENTITY,
    "The request could not be understood",
    "Compare the body with the documentation.",
)
TOO_LARGE = ProblemType(
    "MJ-DOOR-006", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large", "Send less at once."
)
Body = TypeVar("Body")
_FORM = "application/x-www-form-urlencoded"


def wants_page(request: Request) -> bool:
    """Whether a person looks at the answer: the request names HTML, as browsers' navigations do."""
    return "text/html" in request.headers.get("accept", "")


def sent_by_form(request: Request) -> bool:
    """Whether the body is an HTML form's."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM


def see_other(address: str) -> Response:
    """Send a browser on after a form, so that a reload repeats nothing (RFC 9110, section 15.4.4)."""
    return RedirectResponse(address, status_code=HTTPStatus.SEE_OTHER)


def json_answer(
    request: Request, content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """JSON that no cache keeps: it is one person's, or live. What the decision masks is masked."""
    return Response(
        msgspec.json.encode(masked(content, assertion_of(request).obligations)),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


async def read_json(request: Request, kind: type[Body]) -> Body:
    """The body as one type. Raises `NOT_UNDERSTOOD` or `TOO_LARGE`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(NOT_UNDERSTOOD, "The body must be application/json.")
    try:
        return msgspec.json.decode(await read_body(request), type=kind)
    except msgspec.MsgspecError as error:
        raise Problem(NOT_UNDERSTOOD, str(error)) from error


async def read_form(request: Request) -> dict[str, str]:
    """The fields of an HTML form; of a field that stands twice, the last. Raises `NOT_UNDERSTOOD` or `TOO_LARGE`."""
    return dict(await read_fields(request))


async def read_fields(request: Request) -> list[tuple[str, str]]:
    """The fields of an HTML form, in order. Raises `NOT_UNDERSTOOD` or `TOO_LARGE`."""
    if not sent_by_form(request):
        raise Problem(NOT_UNDERSTOOD, f"The body must be {_FORM}.")
    try:
        return parse_qsl((await read_body(request)).decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise Problem(NOT_UNDERSTOOD) from error


async def read_body(request: Request) -> bytes:
    """The whole body. Raises `TOO_LARGE` as soon as it is."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Problem(TOO_LARGE)
    return bytes(body)


class ProblemPages:
    """Turns a problem into a page where a person asked; programs get theirs from `config.web`."""

    def __init__(self, app: ASGIApp, pages: PersonPages) -> None:
        self._app = app
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            await self._app(scope, receive, send)
        except Problem as problem:
            if not wants_page(request):
                raise
            await self._page(request, problem)(scope, receive, send)

    def _page(self, request: Request, problem: Problem) -> Response:
        return self._pages.respond(
            request,
            "problem.html",
            status=problem.kind.status.value,
            code=problem.kind.code,
        )


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """What a router answers where it knows no route."""
    raise Problem(NOT_FOUND)
