"""What the gateway's decision demands of the answer (policy rule P2, `reduce`), honoured here.

`read_only`: nothing may be changed. `mask:FIELD`: the field is not shown. `limit:N` is the gateway's own to count, as
`methods:` and `scopes:` are its own to see to.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from config.problem import Problem, ProblemType
from jose.assertion_middleware import assertion_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
READ_ONLY = "read_only"
MASK = "mask:"
MASKED = "***"

REDUCED = ProblemType(
    "MJ-DOOR-007",
    HTTPStatus.FORBIDDEN,
    "Nothing may be changed at the moment",
    "Sign in from a device or a place that is known, and try again.",
)


class ReadOnlyHonoured:
    """Refuses to change anything where the decision allowed reading alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] == "http"
            and scope["method"] not in SAFE_METHODS
            and READ_ONLY in assertion_of(HTTPConnection(scope)).obligations
        ):
            raise Problem(REDUCED)
        await self._app(scope, receive, send)


def masked(content: Any, obligations: Iterable[str]) -> Any:
    """What may be shown of an answer: the values of masked members are replaced, at any depth."""
    fields = {one.removeprefix(MASK) for one in obligations if one.startswith(MASK)}
    return _without(msgspec.to_builtins(content), fields) if fields else content


def _without(content: Any, fields: set[str]) -> Any:
    if isinstance(content, dict):
        return {name: MASKED if name in fields else _without(value, fields) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without(value, fields) for value in content]
    return content
