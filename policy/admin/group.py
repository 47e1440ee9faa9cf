"""What a part of the API is: operations with their endpoints, and which of them change something."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from http import HTTPStatus
from typing import Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from config.json_body import Body, BodyRules, read_json
from config.openapi import Operation
from config.problem import Problem
from policy.admin import problems

BASE: Final = "/api/policy"
MAX_BODY = 32 * 1024 * 1024
HIGHEST = 2**53
PAGE = 50
"""Entries of a list, where nothing is said."""
_BODY = BodyRules(
    most=MAX_BODY,
    not_json=problems.NOT_JSON,
    too_large=problems.TOO_LARGE,
    not_understood=problems.NOT_UNDERSTOOD,
)
Endpoint = Callable[[Request], Awaitable[Response]]


class Group(Protocol):
    """A part of the API; `policy.admin.endpoints` joins them."""

    @property
    def operations(self) -> Mapping[Operation, Endpoint]:
        """What may be asked, and who answers."""

    @property
    def changing(self) -> Collection[Endpoint]:
        """Those that change something: for administrators of the operating organisation, with fresh factors."""


def answer(
    content: msgspec.Struct, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response:
    """JSON that no cache keeps."""
    return Response(
        msgspec.json.encode(content),
        status_code=status.value,
        media_type="application/json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


async def read(request: Request, kind: type[Body]) -> Body:
    """The body as one type."""
    return await read_json(request, kind, _BODY)


def path_number(request: Request) -> int:
    """The version that the address names."""
    number: int = request.path_params["number"]
    if number > HIGHEST:
        raise Problem(problems.NO_SUCH_VERSION)
    return number


def query_number(request: Request, name: str, default: int, highest: int) -> int:
    """A number from 1 in the query."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and 0 < int(text) <= highest):
        raise Problem(problems.NOT_UNDERSTOOD, f"a number from 1 to {highest} is expected in the query")
    return int(text)
