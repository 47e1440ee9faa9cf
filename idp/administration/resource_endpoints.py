"""The endpoints of APIs of others and of scopes, as rows of the API's table."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from idp.administration.asked import PAGING, as_uuid, asked_page, asked_text, path_uuid, read_body
from idp.administration.documents import AskedOfVersion
from idp.administration.endpoints import Endpoint, answer
from idp.administration.resource_acts import ResourceActs
from idp.administration.resource_documents import (
    ResourceChange,
    ResourceEntry,
    ResourceList,
    ResourceRemoved,
    ResourceRequest,
    ScopeList,
)
from idp.administration.scope import Administrator

_ALL: Final = "/resources"
_ONE: Final = _ALL + "/{resource_id}"


class ResourceEndpoints:
    """What stands under `/resources` and `/scopes`."""

    def __init__(self, acts: ResourceActs) -> None:
        self._acts = acts

    def operations(self) -> Mapping[Operation, Endpoint]:
        """Each with what answers it."""
        created = HTTPStatus.CREATED
        return {
            Operation("GET", _ALL, "List APIs that tokens are for", ResourceList, query=PAGING): self.list,
            Operation("POST", _ALL, "Add one", ResourceEntry, ResourceRequest, created): self.create,
            Operation("GET", _ONE, "Show one", ResourceEntry): self.show,
            Operation("PUT", _ONE, "Change one", ResourceEntry, ResourceChange): self.change,
            Operation("POST", _ONE + "/remove", "Remove one", ResourceRemoved, AskedOfVersion): self.remove,
            Operation("GET", "/scopes", "List the scopes that are described", ScopeList): self.scopes,
        }

    async def list(self, request: Request, who: Administrator) -> Response:
        after = asked_text(request, "after")
        found = await self._acts.list(who, as_uuid(after, "after") if after else None, asked_page(request).limit)
        return answer(found)

    async def create(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ResourceRequest)
        return answer(await self._acts.create(who, asked), HTTPStatus.CREATED)

    async def show(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.show(who, path_uuid(request, "resource_id")))

    async def change(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ResourceChange)
        return answer(await self._acts.change(who, path_uuid(request, "resource_id"), asked))

    async def remove(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedOfVersion)
        return answer(await self._acts.remove(who, path_uuid(request, "resource_id"), asked.version, asked.why))

    async def scopes(self, _request: Request, who: Administrator) -> Response:
        return answer(await self._acts.scopes(who))
