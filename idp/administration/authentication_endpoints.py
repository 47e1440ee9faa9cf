"""The endpoints of how an organisation's people prove who they are, as rows of the API's table."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from config.entity_tags import match
from config.openapi import Details, Header, Operation
from idp.administration import problems
from idp.administration.asked import PAGING, asked_name, asked_page, path_uuid, read_body
from idp.administration.authentication_acts import AuthenticationActs
from idp.administration.authentication_documents import (
    AuthenticationDocument,
    AuthenticationRequest,
    ModelList,
    Reach,
    ReachRequest,
    SuspectKeyList,
)
from idp.administration.endpoints import Endpoint, answer
from idp.administration.scope import Administrator

_RULES: Final = "/organisations/{organisation_id}/authentication"
_TAG: Final = Header("ETag", "What a change of it names in If-Match")
_IF_MATCH: Final = Header(
    "If-Match", "The ETag that it is a change of (RFC 9110, section 13.1.1)", True, '"9f86d081884c7d659a2feaa0c55ad015"'
)
SHOW: Final = Operation(
    "GET", _RULES, "Which keys it takes, and which methods count for which acr", AuthenticationDocument
)
CHANGE: Final = Operation("PUT", _RULES, "Change that (If-Match)", AuthenticationDocument, AuthenticationRequest)
REACH: Final = Operation(
    "POST", f"{_RULES}/reach", "Say whom it would hit if methods were forbidden", Reach, ReachRequest
)
DETAILS: Final[Mapping[Operation, Details]] = {
    SHOW: Details(answers=(_TAG,)),
    CHANGE: Details(
        asks=(_IF_MATCH,),
        answers=(_TAG,),
        problems=(
            problems.PRECONDITION_REQUIRED,
            problems.PRECONDITION_FAILED,
            problems.RULES_REFUSED,
            problems.PEOPLE_STUCK,
        ),
    ),
}
"""What the document says beyond the table."""


class AuthenticationEndpoints:
    """What stands under `/organisations/{id}/authentication`, and beside it."""

    def __init__(self, acts: AuthenticationActs) -> None:
        self._acts = acts

    def operations(self) -> Mapping[Operation, Endpoint]:
        """Each with what answers it."""
        keys = "/organisations/{organisation_id}/suspect-keys"
        named = ("name", "part of a name or an AAGUID")
        return {
            SHOW: self.show,
            CHANGE: self.change,
            REACH: self.reach,
            Operation("GET", keys, "List passkeys that somebody should replace", SuspectKeyList, query=PAGING): (
                self.suspect_keys
            ),
            Operation("GET", "/key-models", "List models of keys", ModelList, query=(named, *PAGING)): self.models,
        }

    async def show(self, request: Request, who: Administrator) -> Response:
        return _tagged(*await self._acts.show(who, path_uuid(request, "organisation_id")))

    async def change(self, request: Request, who: Administrator) -> Response:
        organisation_id = path_uuid(request, "organisation_id")
        asked = await read_body(request, AuthenticationRequest)
        return _tagged(*await self._acts.change(who, organisation_id, asked, partial(match, request)))

    async def reach(self, request: Request, who: Administrator) -> Response:
        organisation_id = path_uuid(request, "organisation_id")
        return answer(await self._acts.reach(who, organisation_id, await read_body(request, ReachRequest)))

    async def suspect_keys(self, request: Request, who: Administrator) -> Response:
        organisation_id = path_uuid(request, "organisation_id")
        return answer(await self._acts.list_suspect_keys(who, organisation_id, asked_page(request)))

    async def models(self, request: Request, _who: Administrator) -> Response:
        return answer(await self._acts.list_models(asked_name(request), asked_page(request)))


def _tagged(document: AuthenticationDocument, tag: str) -> Response:
    response = answer(document)
    response.headers["ETag"] = tag
    return response
