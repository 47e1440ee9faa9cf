"""Versions: listed, shown, drafted, published, brought back."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from config.web import correlation_id
from jose.assertion_middleware import assertion_of
from policy.admin.desk import PAGE, Desk
from policy.admin.group import BASE, HIGHEST, Endpoint, answer, path_number, query_number, read
from policy.admin.messages import (
    DraftAnswer,
    DraftRequest,
    PublishRequest,
    RollbackRequest,
    VersionDocument,
    VersionEntry,
    VersionList,
)
from policy.versions import Act

_CREATED = HTTPStatus.CREATED


class Releases:
    """What stands under `versions`, `current`, `drafts` and `rollback`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.operations: dict[Operation, Endpoint] = {
            Operation("GET", "/versions", "List versions, the newest first", VersionList): self.list,
            Operation("GET", "/versions/{number}", "Show one version", VersionDocument): self.show,
            Operation("GET", "/current", "Show the published version", VersionDocument): self.current,
            Operation("POST", "/drafts", "Store a draft", DraftAnswer, DraftRequest, _CREATED): self.draft,
            Operation("POST", "/versions/{number}/publish", "Publish it", VersionEntry, PublishRequest): self.publish,
            Operation("POST", "/rollback", "Bring a version back", VersionEntry, RollbackRequest): self.rollback,
        }
        self.changing = (self.draft, self.publish, self.rollback)

    async def list(self, request: Request) -> Response:
        """GET versions?before=&limit=: versions below a number."""
        before = query_number(request, "before", HIGHEST, HIGHEST)
        limit = query_number(request, "limit", PAGE, 200)
        return answer(await self._desk.list(before, limit))

    async def show(self, request: Request) -> Response:
        return answer(await self._desk.show(path_number(request)))

    async def current(self, _request: Request) -> Response:
        return answer(await self._desk.show(None))

    async def draft(self, request: Request) -> Response:
        asked = await read(request, DraftRequest)
        made = await self._desk.draft(asked, self._act(request, asked.why))
        location = f"{BASE}/versions/{made.version.number}"
        return answer(made, _CREATED, {"Location": location})

    async def publish(self, request: Request) -> Response:
        asked = await read(request, PublishRequest)
        return answer(await self._desk.publish(path_number(request), self._act(request, asked.why)))

    async def rollback(self, request: Request) -> Response:
        asked = await read(request, RollbackRequest)
        return answer(await self._desk.roll_back(asked.to, self._act(request, asked.why)))

    def _act(self, request: Request, why: str) -> Act:
        return self._desk.act(assertion_of(request).subject, why, correlation_id(request))
