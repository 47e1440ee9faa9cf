"""The endpoints of imports of people, as rows of the API's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from idp.administration.asked import PAGING, asked_page, path_uuid, read_body
from idp.administration.endpoints import Endpoint, answer
from idp.administration.import_acts import ImportActs
from idp.administration.import_documents import ImportEntry, ImportFaultList, ImportList, Undone, UndoRequest
from idp.administration.scope import Administrator

_ALL: Final = "/imports"


class ImportEndpoints:
    """What stands under `/imports`."""

    def __init__(self, acts: ImportActs) -> None:
        self._acts = acts

    def operations(self) -> Mapping[Operation, Endpoint]:
        """Each with what answers it."""
        one, undo = _ALL + "/{batch_id}", "Take the next people out who never signed in"
        faults = Operation("GET", f"{one}/faults", "What is wrong with its lines", ImportFaultList, query=PAGING)
        return {
            Operation("GET", _ALL, "List imports of people, the newest first", ImportList, query=PAGING): self.list,
            Operation("GET", one, "Show one", ImportEntry): self.show,
            faults: self.faults,
            Operation("POST", f"{one}/undo", undo, Undone, UndoRequest): self.undo,
        }

    async def list(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.list(who, asked_page(request)))

    async def show(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.show(who, path_uuid(request, "batch_id")))

    async def faults(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.faults(who, path_uuid(request, "batch_id"), asked_page(request)))

    async def undo(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, UndoRequest)
        return answer(await self._acts.undo(who, path_uuid(request, "batch_id"), asked))
