"""The endpoints of support, and of what it asks administrators for, as rows of the API's table.

What stands under `/support` is for whoever has the role `support`, or administers; nothing else of the API is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from idp.administration.asked import PAGING, asked_name, asked_page, path_uuid, read_body
from idp.administration.documents import Asked
from idp.administration.endpoints import Endpoint, answer
from idp.administration.entrance import FOR_SUPPORT
from idp.administration.scope import Administrator
from idp.administration.support_acts import SupportActs
from idp.administration.support_documents import (
    AskedException,
    AskedForPhase,
    Decision,
    ExceptionAsked,
    ExceptionsAsked,
    SupportDocument,
    SupportList,
)

_PEOPLE: Final = f"{FOR_SUPPORT}/people"
_ONE: Final = f"{_PEOPLE}/{{user_id}}"
_ASKED: Final = "/programmes/{programme_id}/exception-requests"


class SupportEndpoints:
    """What support sees and does, and what is decided of what it asks for."""

    def __init__(self, acts: SupportActs) -> None:
        self._acts = acts

    def operations(self) -> Mapping[Operation, Endpoint]:
        """Each with what answers it."""
        named = ("name", "part of a display name or login name; required")
        decide, link = "Give an exception, or refuse it", "Mail them a link to get back in"
        return {
            Operation("GET", _PEOPLE, "Find somebody who needs help", SupportList, query=(named, *PAGING)): self.list,
            Operation("GET", _ONE, "Show one person, as far as it takes to help them", SupportDocument): self.show,
            Operation("POST", f"{_ONE}/recovery", link, SupportDocument, Asked): self.recover,
            Operation(
                "POST", f"{_ONE}/reminder", "Write to them of a phase once more", SupportDocument, AskedForPhase
            ): self.remind,
            Operation(
                "POST",
                f"{_ONE}/exception-request",
                "Ask an administrator to except them for a while",
                SupportDocument,
                AskedException,
            ): self.ask_exception,
            Operation(
                "GET", _ASKED, "Exceptions that support asked for, the newest first", ExceptionsAsked, query=PAGING
            ): self.asked,
            Operation("POST", f"{_ASKED}/{{request_id}}/decide", decide, ExceptionAsked, Decision): self.decide,
        }

    async def list(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.list(who, asked_name(request), asked_page(request)))

    async def show(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.show(who, path_uuid(request, "user_id")))

    async def recover(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, Asked)
        return answer(await self._acts.recover(who, path_uuid(request, "user_id"), asked.why))

    async def remind(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedForPhase)
        return answer(await self._acts.remind(who, path_uuid(request, "user_id"), asked))

    async def ask_exception(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedException)
        return answer(await self._acts.ask_exception(who, path_uuid(request, "user_id"), asked))

    async def asked(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.asked(who, path_uuid(request, "programme_id"), asked_page(request)))

    async def decide(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, Decision)
        programme, ident = path_uuid(request, "programme_id"), path_uuid(request, "request_id")
        return answer(await self._acts.decide(who, programme, ident, asked))
