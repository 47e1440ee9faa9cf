"""What a request asks for, as values; whatever cannot be understood is a `Problem`."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from starlette.requests import Request

from config.json_body import Body, BodyRules, read_json
from config.problem import Problem
from idp.administration import problems
from idp.administration.documents import CHANNELS, STATES, Channel, DeliveryState
from idp.administration.page import Page

MAX_BODY = 64 * 1024
PAGE = 50
MOST = 200
PAGING: Final = (("after", "`next` of the page before"), ("limit", f"at most {MOST}, otherwise {PAGE}"))
LONGEST_NAME = 100
_BODY = BodyRules(
    most=MAX_BODY,
    not_json=problems.NOT_JSON,
    too_large=problems.TOO_LARGE,
    not_understood=problems.NOT_UNDERSTOOD,
)


async def read_body(request: Request, kind: type[Body]) -> Body:
    """The body as one type."""
    return await read_json(request, kind, _BODY)


def asked_page(request: Request) -> Page:
    """What part of a list the query asks for."""
    limit = request.query_params.get("limit", str(PAGE))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 4 and 0 < int(limit) <= MOST):
        raise Problem(problems.NOT_UNDERSTOOD, f"limit: a number from 1 to {MOST} is expected")
    return Page(after=asked_text(request, "after") or "", limit=int(limit))


def asked_text(request: Request, name: str) -> str | None:
    """What the query says, as PostgreSQL can take it: without NUL."""
    given = request.query_params.get(name)
    if given is not None and "\0" in given:
        raise Problem(problems.NOT_UNDERSTOOD, f"{name}: text without NUL is expected")
    return given


def asked_sid(request: Request) -> str:
    """A session id of the path."""
    sid: str = request.path_params["sid"]
    if "\0" in sid:
        raise Problem(problems.NOT_FOUND)
    return sid


def asked_name(request: Request) -> str:
    """Part of a name."""
    name = request.query_params.get("name", "").strip()
    if len(name) > LONGEST_NAME or "\0" in name:
        raise Problem(problems.NOT_UNDERSTOOD, f"name: at most {LONGEST_NAME} characters")
    return name


def path_uuid(request: Request, name: str) -> UUID:
    """An id of the path."""
    try:
        return UUID(request.path_params[name])
    except ValueError:
        raise Problem(problems.NOT_FOUND) from None


def as_uuid(text: str, name: str) -> UUID:
    """An id of the query."""
    try:
        return UUID(text)
    except ValueError:
        raise Problem(problems.NOT_UNDERSTOOD, f"{name}: an id is expected") from None


def asked_channel(request: Request) -> Channel:
    """A channel of the path."""
    for channel in CHANNELS:
        if channel == request.path_params["channel"]:
            return channel
    raise Problem(problems.NOT_FOUND)


def asked_state(request: Request) -> DeliveryState:
    """A state of deliveries; dead where none is named."""
    asked = request.query_params.get("state", "dead")
    for state in STATES:
        if state == asked:
            return state
    raise Problem(problems.NOT_UNDERSTOOD, f"state: one of {', '.join(STATES)} is expected")
