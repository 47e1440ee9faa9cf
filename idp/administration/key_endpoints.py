"""The endpoints of the keys of tokens, as rows of the API's table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from idp.administration.asked import read_body
from idp.administration.documents import Asked
from idp.administration.endpoints import Endpoint, answer
from idp.administration.key_acts import KeyActs
from idp.administration.key_documents import KeyList, KeysChanged, RotationRequest
from idp.administration.scope import Administrator

_ALL: Final = "/keys"


class KeyEndpoints:
    """What stands under `/keys`."""

    def __init__(self, acts: KeyActs) -> None:
        self._acts = acts

    def operations(self) -> Mapping[Operation, Endpoint]:
        """Each with what answers it."""
        retire = _ALL + "/{kid}/retire"
        return {
            Operation("GET", _ALL, "List the keys that sign and verify tokens", KeyList): self.list,
            Operation("POST", f"{_ALL}/prepare", "Publish the next ones", KeysChanged, Asked): self.prepare,
            Operation("POST", f"{_ALL}/rotate", "Rotate them", KeysChanged, RotationRequest): self.rotate,
            Operation("POST", retire, "Believe one no more that does not sign", KeysChanged, Asked): self.retire,
        }

    async def list(self, _request: Request, who: Administrator) -> Response:
        return answer(await self._acts.list(who))

    async def prepare(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.prepare(who, (await read_body(request, Asked)).why))

    async def rotate(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.rotate(who, await read_body(request, RotationRequest)))

    async def retire(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, Asked)
        return answer(await self._acts.retire(who, request.path_params["kid"], asked.why))
