"""Long lists page by page: an opaque cursor says where the page before ended, so that nothing is skipped or told twice
while the list changes."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from starlette.requests import Request

from config.problem import Problem
from policy.admin import problems
from policy.admin.group import query_number

PAGE = 100
LONGEST = 1000
"""Entries of one page: where nobody says how many, and at most."""
QUERY = (("limit", f"At most so many, {LONGEST} at most"), ("after", "`next` of the page before"))
Order = tuple[int, str] | tuple[str, ...]
T = TypeVar("T")


def page(
    things: Sequence[T],
    order: Callable[[T], Order],
    wanted: Callable[[T], bool],
    *,
    after: Order | None,
    limit: int,
) -> tuple[tuple[T, ...], str | None]:
    """So many of the wanted ones behind a place in their order, and the cursor of the next page, if there is one."""
    start = 0 if after is None else bisect_right(things, after, key=order)
    found: list[T] = []
    for index in range(start, len(things)):
        if not wanted(things[index]):
            continue
        if len(found) == limit:
            return tuple(found), _cursor(order(found[-1]))
        found.append(things[index])
    return tuple(found), None


def asked_page(request: Request, kind: type[Order]) -> tuple[Order | None, int]:
    """`after` and `limit` of the query. Raises `NOT_UNDERSTOOD`."""
    limit = query_number(request, "limit", PAGE, LONGEST)
    text = request.query_params.get("after")
    if text is None:
        return None, limit
    try:
        return msgspec.json.decode(urlsafe_b64decode(text.encode() + b"=="), type=kind), limit
    except (ValueError, msgspec.MsgspecError) as error:
        raise Problem(problems.NOT_UNDERSTOOD, "`after` in the query is no `next` of this list") from error


def _cursor(order: Order) -> str:
    return urlsafe_b64encode(msgspec.json.encode(order)).rstrip(b"=").decode()
