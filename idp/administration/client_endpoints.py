"""The endpoints of clients, as rows of the API's table."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from config.openapi import Operation
from idp.administration.asked import PAGING, as_uuid, asked_name, asked_page, asked_text, path_uuid, read_body
from idp.administration.client_acts import ClientActs
from idp.administration.client_documents import (
    ClientChange,
    ClientDocument,
    ClientIssued,
    ClientList,
    ClientRemoved,
    ClientRequest,
    InitialTokenIssued,
    InitialTokenList,
    InitialTokenRequest,
    InitialTokenRevoked,
)
from idp.administration.documents import Asked, AskedOfVersion
from idp.administration.endpoints import Endpoint, answer
from idp.administration.initial_token_acts import InitialTokenActs
from idp.administration.scope import Administrator


class ClientEndpoints:
    """What stands under `/clients` and `/initial-access-tokens`."""

    def __init__(self, acts: ClientActs, token_acts: InitialTokenActs) -> None:
        self._acts = acts
        self._token_acts = token_acts

    def operations(self) -> Mapping[Operation, Endpoint]:
        one, tokens = "/clients/{client_id}", "/initial-access-tokens"
        named = ("name", "part of a name or of an id")
        created = HTTPStatus.CREATED
        return {
            Operation("GET", "/clients", "Find clients", ClientList, query=(named, *PAGING)): self.clients,
            Operation("POST", "/clients", "Register a client", ClientIssued, ClientRequest, created): self.add,
            Operation("GET", one, "Show one client", ClientDocument): self.client,
            Operation("PUT", one, "Change what is registered of it", ClientIssued, ClientChange): self.change,
            Operation("POST", f"{one}/disable", "Switch it off", ClientDocument, AskedOfVersion): self.disable,
            Operation("POST", f"{one}/enable", "Switch it on again", ClientDocument, AskedOfVersion): self.enable,
            Operation("POST", f"{one}/secret", "Give it another secret", ClientIssued, AskedOfVersion): self.secret,
            Operation("POST", f"{one}/remove", "Remove it", ClientRemoved, AskedOfVersion): self.remove,
            Operation(
                "GET", tokens, "List initial access tokens that are good", InitialTokenList, query=PAGING
            ): self.tokens,
            Operation("POST", tokens, "Issue one", InitialTokenIssued, InitialTokenRequest, created): self.issue,
            Operation("POST", tokens + "/{token_id}/revoke", "Take one back", InitialTokenRevoked, Asked): self.revoke,
        }

    async def clients(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.clients(who, asked_name(request), asked_page(request)))

    async def client(self, request: Request, who: Administrator) -> Response:
        return answer(await self._acts.client(who, _client_id(request)))

    async def add(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ClientRequest)
        added = await self._acts.add(
            who, asked.metadata, asked.why, client_id=asked.client_id, organisation_id=asked.organisation_id
        )
        return answer(added, HTTPStatus.CREATED)

    async def change(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, ClientChange)
        return answer(await self._acts.change(who, _client_id(request), asked.version, asked.metadata, asked.why))

    async def disable(self, request: Request, who: Administrator) -> Response:
        return await self._switch(request, who, enabled=False)

    async def enable(self, request: Request, who: Administrator) -> Response:
        return await self._switch(request, who, enabled=True)

    async def secret(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedOfVersion)
        return answer(await self._acts.new_secret(who, _client_id(request), asked.version, asked.why))

    async def remove(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedOfVersion)
        client_id = _client_id(request)
        await self._acts.remove(who, client_id, asked.version, asked.why)
        return answer(ClientRemoved(client_id))

    async def tokens(self, request: Request, who: Administrator) -> Response:
        after = asked_text(request, "after")
        found = await self._token_acts.tokens(
            who, as_uuid(after, "after") if after else None, asked_page(request).limit
        )
        return answer(found)

    async def issue(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, InitialTokenRequest)
        issued = await self._token_acts.issue(
            who, asked.organisation_id, asked.label, asked.why, uses=asked.uses, expires_in=asked.expires_in
        )
        return answer(issued, HTTPStatus.CREATED)

    async def revoke(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, Asked)
        ident = path_uuid(request, "token_id")
        await self._token_acts.revoke(who, ident, asked.why)
        return answer(InitialTokenRevoked(ident))

    async def _switch(self, request: Request, who: Administrator, *, enabled: bool) -> Response:
        asked = await read_body(request, AskedOfVersion)
        return answer(await self._acts.switch(who, _client_id(request), asked.version, asked.why, enabled=enabled))


def _client_id(request: Request) -> str:
    found: str = request.path_params["client_id"]
    return found
