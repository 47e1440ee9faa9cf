"""The endpoints, as one table that makes the routes and the OpenAPI document alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from config.json_body import Body, BodyRules, read_json
from config.openapi import Api, Operation, document
from config.problem import Problem
from config.web import correlation_id
from jose.assertion import HEADER
from jose.assertion_middleware import assertion_of
from policy import conditions
from policy.admin import problems
from policy.admin.desk import PAGE, Desk
from policy.admin.messages import (
    DraftAnswer,
    DraftRequest,
    ExplainRequest,
    ModelDocument,
    PublishRequest,
    RollbackRequest,
    VersionDocument,
    VersionEntry,
    VersionList,
)
from policy.admin.problems import FaultyDocument
from policy.artefact import RuleEffect
from policy.casbin_model import MODEL
from policy.explain import Explanation

BASE = "/api/policy"
MAX_BODY = 32 * 1024 * 1024
_HIGHEST = 2**53
_BODY = BodyRules(
    most=MAX_BODY,
    not_json=problems.NOT_JSON,
    too_large=problems.TOO_LARGE,
    not_understood=problems.NOT_UNDERSTOOD,
)
_CREATED = HTTPStatus.CREATED
_API = Api(
    title="Munjigi policy administration",
    description=f"Reached through the gateway, which adds {HEADER}; for administrators.",
    base=BASE,
    problem=FaultyDocument,
    path_schemas=(("number", {"type": "integer", "minimum": 1}),),
)
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
Endpoint = Callable[[Request], Awaitable[Response]]


class PolicyApi:
    """What stands under `/api/policy`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._operations: dict[Operation, Endpoint] = {
            Operation("GET", "/versions", "List versions, the newest first", VersionList): self.list,
            Operation("GET", "/versions/{number}", "Show one version", VersionDocument): self.show,
            Operation("GET", "/current", "Show the published version", VersionDocument): self.current,
            Operation("POST", "/drafts", "Store a draft", DraftAnswer, DraftRequest, _CREATED): self.draft,
            Operation("POST", "/versions/{number}/publish", "Publish it", VersionEntry, PublishRequest): self.publish,
            Operation("POST", "/rollback", "Bring a version back", VersionEntry, RollbackRequest): self.rollback,
            Operation("POST", "/explain", "Why, and what would change it", Explanation, ExplainRequest): self.explain,
            Operation("GET", "/model", "The language of rules", ModelDocument): self.model,
        }
        self._changing = (self.draft, self.publish, self.rollback)
        self._document = msgspec.json.encode(document(_API, list(self._operations)))

    def routes(self) -> list[BaseRoute]:
        by_path: dict[str, dict[str, Endpoint]] = {}
        for operation, endpoint in self._operations.items():
            path = BASE + operation.path.replace("{number}", "{number:int}")
            by_path.setdefault(path, {})[operation.method] = endpoint
        by_path[f"{BASE}/openapi.json"] = {"GET": self.openapi}
        return [Route(path, self._guarded(endpoints), methods=_METHODS) for path, endpoints in by_path.items()]

    async def list(self, request: Request) -> Response:
        """GET versions?before=&limit=: versions below a number."""
        before = _number(request.query_params.get("before"), _HIGHEST, _HIGHEST)
        limit = _number(request.query_params.get("limit"), PAGE, 200)
        return answer(await self._desk.list(before, limit))

    async def show(self, request: Request) -> Response:
        return answer(await self._desk.show(_path_number(request)))

    async def current(self, _request: Request) -> Response:
        return answer(await self._desk.show(None))

    async def draft(self, request: Request) -> Response:
        asked = await _read(request, DraftRequest)
        made = await self._desk.draft(
            asked, self._desk.act(assertion_of(request).subject, asked.why, correlation_id(request))
        )
        location = f"{BASE}/versions/{made.version.number}"
        return answer(made, _CREATED, {"Location": location})

    async def publish(self, request: Request) -> Response:
        asked = await _read(request, PublishRequest)
        act = self._desk.act(assertion_of(request).subject, asked.why, correlation_id(request))
        return answer(await self._desk.publish(_path_number(request), act))

    async def rollback(self, request: Request) -> Response:
        asked = await _read(request, RollbackRequest)
        act = self._desk.act(assertion_of(request).subject, asked.why, correlation_id(request))
        return answer(await self._desk.roll_back(asked.to, act))

    async def explain(self, request: Request) -> Response:
        asked = await _read(request, ExplainRequest)
        return answer(await self._desk.explain(asked.request, asked.version))

    async def model(self, _request: Request) -> Response:
        return answer(
            ModelDocument(
                MODEL.read_text(encoding="utf-8"),
                conditions.vocabulary(),
                conditions.LEVELS,
                tuple(effect.value for effect in RuleEffect),
            )
        )

    async def openapi(self, _request: Request) -> Response:
        return Response(self._document, media_type="application/json")

    def _guarded(self, endpoints: dict[str, Endpoint]) -> Endpoint:
        """One address: an administrator first, then the method."""

        async def endpoint(request: Request) -> Response:
            chosen = endpoints.get("GET" if request.method == "HEAD" else request.method)
            changing = chosen in self._changing
            await self._desk.admit(assertion_of(request).subject, correlation_id(request), changing=changing)
            if chosen is None:
                raise Problem(problems.WRONG_METHOD, headers={"Allow": ", ".join(sorted(endpoints))})
            return await chosen(request)

        return endpoint


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """What the router answers where it knows no route."""
    raise Problem(problems.NOT_FOUND)


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


async def _read(request: Request, kind: type[Body]) -> Body:
    """The body as one type."""
    return await read_json(request, kind, _BODY)


def _path_number(request: Request) -> int:
    number: int = request.path_params["number"]
    if number > _HIGHEST:
        raise Problem(problems.NO_SUCH_VERSION)
    return number


def _number(text: str | None, default: int, highest: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and 0 < int(text) <= highest):
        raise Problem(problems.NOT_UNDERSTOOD, f"a number from 1 to {highest} is expected in the query")
    return int(text)
