"""A request's body as one type: read within a bound, refused in the words of the room that asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec
from starlette.requests import Request

from config.problem import Problem, ProblemType

Body = TypeVar("Body", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRules:
    """How large a body may be, in bytes, and what is said of one that is not taken."""

    most: int
    not_json: ProblemType
    too_large: ProblemType
    not_understood: ProblemType


async def read_json(request: Request, kind: type[Body], rules: BodyRules) -> Body:
    """The body; only JSON, which no foreign page can send without being asked first (Fetch, CORS). Raises `Problem`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(rules.not_json)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > rules.most:
            raise Problem(rules.too_large)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(rules.not_understood, str(error)) from error
