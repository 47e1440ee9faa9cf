"""The parts of the API, joined: one table that makes the routes and the OpenAPI document alike."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from config.openapi import Api, Operation, document
from config.problem import Problem
from config.web import correlation_id
from jose.assertion import HEADER
from jose.assertion_middleware import assertion_of
from policy.admin import problems
from policy.admin.desk import Desk
from policy.admin.group import BASE, Endpoint, Group
from policy.admin.problems import FaultyDocument

_API = Api(
    title="Munjigi policy administration",
    description=f"Reached through the gateway, which adds {HEADER}; for administrators.",
    base=BASE,
    problem=FaultyDocument,
    path_schemas=(("number", {"type": "integer", "minimum": 1}),),
)
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class PolicyApi:
    """What stands under `/api/policy`."""

    def __init__(self, desk: Desk, groups: Sequence[Group], admitting: Sequence[Group] = ()) -> None:
        """`admitting`: groups that say by themselves who may ask; for all others that is an administrator."""
        self._desk = desk
        self._operations: dict[Operation, Endpoint] = {}
        for group in (*groups, *admitting):
            self._operations.update(group.operations)
        self._changing = [endpoint for group in groups for endpoint in group.changing]
        self._admitting = [endpoint for group in admitting for endpoint in group.operations.values()]
        self._document = msgspec.json.encode(document(_API, list(self._operations)))

    def routes(self) -> list[BaseRoute]:
        by_path: dict[str, dict[str, Endpoint]] = {}
        for operation, endpoint in self._operations.items():
            path = BASE + operation.path.replace("{number}", "{number:int}")
            by_path.setdefault(path, {})[operation.method] = endpoint
        by_path[f"{BASE}/openapi.json"] = {"GET": self.openapi}
        return [Route(path, self._guarded(endpoints), methods=_METHODS) for path, endpoints in by_path.items()]

    async def openapi(self, _request: Request) -> Response:
        return Response(self._document, media_type="application/json")

    def _guarded(self, endpoints: dict[str, Endpoint]) -> Endpoint:
        """One address: an administrator first, unless its group admits by itself, then the method."""

        async def endpoint(request: Request) -> Response:
            chosen = endpoints.get("GET" if request.method == "HEAD" else request.method)
            if chosen not in self._admitting:
                changing = chosen in self._changing
                await self._desk.admit(assertion_of(request).subject, correlation_id(request), changing=changing)
            if chosen is None:
                raise Problem(problems.WRONG_METHOD, headers={"Allow": ", ".join(sorted(endpoints))})
            return await chosen(request)

        return endpoint


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """What the router answers where it knows no route."""
    raise Problem(problems.NOT_FOUND)
