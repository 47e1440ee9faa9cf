"""A request's body as one type: read within a bound, refused in the words of the room that asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec
from starlette.requests import Request

from config.body import BrokenOff, TooLarge, WrongMediaType, read_body
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
    try:
        body = await read_body(request, media_type="application/json", most=rules.most)
    except WrongMediaType:
        raise Problem(rules.not_json) from None
    except TooLarge:
        raise Problem(rules.too_large) from None
    except BrokenOff:
        raise Problem(rules.not_understood, "it broke off") from None
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(rules.not_understood, str(error)) from error
