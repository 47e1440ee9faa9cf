"""The parts of the API, joined: one table that makes the routes and the OpenAPI document alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from config.openapi import Api, Details, Operation, document
from config.problem import Problem
from config.web import correlation_id
from jose.assertion import HEADER
from jose.assertion_middleware import assertion_of
from policy.admin import problems
from policy.admin.admission import Admission
from policy.admin.describing import PARAMETERS, describe, schemes
from policy.admin.group import BASE, Endpoint, Group
from policy.admin.idempotency import Once
from policy.admin.problems import FaultyDocument
from policy.admin.scopes import READ, scope_of

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class PolicyApi:
    """What stands under `/api/policy`."""

    def __init__(
        self, admission: Admission, once: Once, groups: Sequence[Group], admitting: Sequence[Group] = (), *, issuer: str
    ) -> None:
        """`admitting`: groups that say by themselves who may ask; for all others that is `admission`. `issuer`: whose
        tokens programs come with."""
        self._admission = admission
        self._once = once
        self._operations: dict[Operation, Endpoint] = {}
        for group in (*groups, *admitting):
            self._operations.update(group.operations)
        self._changing = [endpoint for group in groups for endpoint in group.changing]
        self._admitting = [endpoint for group in admitting for endpoint in group.operations.values()]
        self._document = msgspec.json.encode(document(_api(issuer), list(self._operations), self._details))

    def routes(self) -> list[BaseRoute]:
        by_path: dict[str, dict[str, _Guarded]] = {}
        for operation, endpoint in self._operations.items():
            path = BASE + operation.path.replace("{number}", "{number:int}")
            by_path.setdefault(path, {})[operation.method] = self._guarded(operation, endpoint)
        by_path[f"{BASE}/openapi.json"] = {"GET": _Guarded(self.openapi, READ)}
        return [Route(path, self._endpoint(guarded), methods=_METHODS) for path, guarded in by_path.items()]

    def _guarded(self, operation: Operation, endpoint: Endpoint) -> _Guarded:
        if endpoint in self._admitting:
            return _Guarded(endpoint, None, changing=False, once=operation.method != "GET")
        changing = endpoint in self._changing
        return _Guarded(endpoint, scope_of(operation, changing=changing), changing=changing, once=changing)

    def _details(self, operation: Operation) -> Details:
        guarded = self._guarded(operation, self._operations[operation])
        return describe(operation, guarded.scope, changing=guarded.changing, once=guarded.once)

    async def openapi(self, _request: Request) -> Response:
        return Response(self._document, media_type="application/json")

    def _endpoint(self, methods: dict[str, _Guarded]) -> Endpoint:
        """One address: who asks first, unless its group admits by itself, then the method."""

        async def endpoint(request: Request) -> Response:
            who, ident = assertion_of(request).subject, correlation_id(request)
            chosen = methods.get("GET" if request.method == "HEAD" else request.method)
            if chosen is None:
                await self._admission.admit(who, ident, READ, changing=False)
                raise Problem(problems.WRONG_METHOD, headers={"Allow": ", ".join(sorted(methods))})
            if chosen.scope is not None:
                await self._admission.admit(who, ident, chosen.scope, changing=chosen.changing)
            if chosen.once and who.sub:
                return await self._once(request, who.sub, chosen.endpoint)
            return await chosen.endpoint(request)

        return endpoint


class _Guarded(NamedTuple):
    """An endpoint, and what whoever asks it needs."""

    endpoint: Endpoint
    scope: str | None
    """Of programs; None: its group admits by itself."""
    changing: bool = False
    once: bool = False
    """Whether it may be asked with an Idempotency-Key."""


def _api(issuer: str) -> Api:
    return Api(
        title="Munjigi policy administration",
        description=f"Reached through the gateway, which adds {HEADER}; for administrators, and for programs.",
        base=BASE,
        problem=FaultyDocument,
        path_schemas=PARAMETERS,
        security=schemes(issuer),
    )


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """What the router answers where it knows no route."""
    raise Problem(problems.NOT_FOUND)
