"""The endpoints of resets that take two administrators, as rows of the API's table."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, get_args

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from config.problem import Problem
from idp.administration import problems
from idp.administration.asked import PAGING, as_uuid, asked_page, path_uuid, read_body
from idp.administration.documents import AskedOfVersion
from idp.administration.endpoints import Endpoint, answer
from idp.administration.reset_acts import ResetActs
from idp.administration.reset_documents import ResetAsked, ResetDecision, ResetEntry, ResetList
from idp.administration.scope import Administrator
from idp.credentials.assisted_reset import ResetState

_STATES: Final[tuple[ResetState, ...]] = get_args(ResetState)
_ALL: Final = "/resets"


class ResetEndpoints:
    """What stands under `/resets`, and where one is asked for."""

    def __init__(self, acts: ResetActs) -> None:
        self._acts = acts

    def operations(self) -> Mapping[Operation, Endpoint]:
        """Each with what answers it."""
        one = _ALL + "/{reset_id}"
        query = (("state", f"{', '.join(_STATES)}; otherwise all"), ("person", "their id"), *PAGING)
        ask = "Ask for their factors to be taken away; another administrator agrees"
        asking = Operation(
            "POST", "/people/{user_id}/resets", ask, ResetAsked, AskedOfVersion, status=HTTPStatus.CREATED
        )
        return {
            asking: self.ask,
            Operation("GET", _ALL, "List resets, the newest first", ResetList, query=query): self.list,
            Operation("GET", one, "Show one", ResetEntry): self.show,
            Operation("POST", f"{one}/approve", "Agree to it", ResetEntry, ResetDecision): self.approve,
            Operation("POST", f"{one}/refuse", "Refuse it, or withdraw it", ResetEntry, ResetDecision): self.refuse,
        }

    async def ask(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedOfVersion)
        made = await self._acts.ask(who, path_uuid(request, "user_id"), asked.version, asked.why)
        return answer(made, HTTPStatus.CREATED)

    async def list(self, request: Request, who: Administrator) -> Response:
        state, person = request.query_params.get("state"), request.query_params.get("person")
        states = tuple(known for known in _STATES if known == state)
        if state and not states:
            raise Problem(problems.NOT_UNDERSTOOD, f"state: one of {', '.join(_STATES)} is expected")
        named = as_uuid(person, "person") if person else None
        return answer(await self._acts.list(who, states, named, asked_page(request)))

    async def show(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.show(who, path_uuid(request, "reset_id")))

    async def approve(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ResetDecision)
        return answer(await self._acts.approve(who, path_uuid(request, "reset_id"), asked.version, asked.why))

    async def refuse(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ResetDecision)
        return answer(await self._acts.refuse(who, path_uuid(request, "reset_id"), asked.version, asked.why))
