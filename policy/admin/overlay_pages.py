"""How the lists of elevations and measures are asked for: so many, after a place, in a state."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from starlette.requests import Request

from config.problem import Problem, ProblemType
from policy.admin import problems
from policy.admin.group import PAGE, query_number
from policy.overlay.page import Place

MOST = 200
Word = TypeVar("Word", bound=StrEnum)


def path_id(request: Request, otherwise: ProblemType) -> UUID:
    """The id that the address names. Raises `otherwise` where it is none."""
    try:
        return UUID(request.path_params["id"])
    except ValueError as error:
        raise Problem(otherwise) from error


def limit_and_place(request: Request) -> tuple[int, Place | None]:
    """How many, and after which."""
    limit, after = query_number(request, "limit", PAGE, MOST), request.query_params.get("after")
    if after is None:
        return limit, None
    try:
        return limit, Place.decode(after)
    except ValueError as error:
        raise Problem(problems.NOT_UNDERSTOOD, "`after` is what `next` of a list said") from error


def query_word(request: Request, kind: type[Word]) -> Word | None:
    """The `state` that is asked for; None: any."""
    text = request.query_params.get("state")
    try:
        return None if text is None else kind(text)
    except ValueError as error:
        words = ", ".join(word.value for word in kind)
        raise Problem(problems.NOT_UNDERSTOOD, f"`state` is one of {words}") from error
