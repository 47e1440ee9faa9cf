"""The endpoints of transmitters of shared signals, as rows of the API's table."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from idp.administration.asked import path_uuid, read_body
from idp.administration.documents import AskedOfVersion
from idp.administration.endpoints import Endpoint, answer
from idp.administration.scope import Administrator
from idp.administration.transmitter_documents import (
    Removed,
    TransmitterChange,
    TransmitterDocument,
    TransmitterList,
    TransmitterRequest,
    TransmitterWithToken,
)
from idp.administration.transmitters import Transmitters

PATH = "/organisations/{organisation_id}/transmitters"


class TransmitterEndpoints:
    """What stands under an organisation's `transmitters`."""

    def __init__(self, transmitters: Transmitters) -> None:
        self._transmitters = transmitters

    def operations(self) -> Mapping[Operation, Endpoint]:
        one = f"{PATH}/{{transmitter_id}}"
        return {
            Operation("GET", PATH, "List whose shared signals it takes", TransmitterList): self.all,
            Operation("POST", PATH, "Take somebody's", TransmitterWithToken, TransmitterRequest): self.add,
            Operation("GET", one, "Show one, and how it fares", TransmitterDocument): self.show,
            Operation("PUT", one, "Change one", TransmitterDocument, TransmitterChange): self.change,
            Operation(
                "POST", f"{one}/token", "Make a new token for its pushes", TransmitterWithToken, AskedOfVersion
            ): self.token,
            Operation("POST", f"{one}/remove", "Take its signals no more", Removed, AskedOfVersion): self.remove,
        }

    async def all(self, request: Request, who: Administrator) -> Response:
        return answer(await self._transmitters.list_of(who, path_uuid(request, "organisation_id")))

    async def add(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, TransmitterRequest)
        return answer(await self._transmitters.add(who, path_uuid(request, "organisation_id"), asked))

    async def show(self, request: Request, who: Administrator) -> Response:
        organisation, ident = path_uuid(request, "organisation_id"), path_uuid(request, "transmitter_id")
        return answer(await self._transmitters.show(who, organisation, ident))

    async def change(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, TransmitterChange)
        organisation, ident = path_uuid(request, "organisation_id"), path_uuid(request, "transmitter_id")
        return answer(await self._transmitters.change(who, organisation, ident, asked))

    async def token(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedOfVersion)
        organisation, ident = path_uuid(request, "organisation_id"), path_uuid(request, "transmitter_id")
        return answer(await self._transmitters.make_token(who, organisation, ident, asked.version, asked.why))

    async def remove(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedOfVersion)
        organisation, ident = path_uuid(request, "organisation_id"), path_uuid(request, "transmitter_id")
        return answer(await self._transmitters.remove(who, organisation, ident, asked.version, asked.why))
