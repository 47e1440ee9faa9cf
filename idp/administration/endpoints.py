"""The endpoints, as one table that makes the routes and the OpenAPI document alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from config.openapi import Api, Operation, document
from config.problem import Problem
from config.web import correlation_id
from idp.administration import problems
from idp.administration.acts import Acts
from idp.administration.documents import (
    CHANNELS,
    STATES,
    Asked,
    AskedOfVersion,
    Channel,
    DeliveryList,
    DeliveryState,
    Ended,
    OrganisationDocument,
    OrganisationList,
    OrganisationRequest,
    PersonDocument,
    PersonList,
    Retried,
    SessionList,
    SignInList,
)
from idp.administration.entrance import Admission
from idp.administration.reading import Page, Reading
from idp.administration.scope import Administrator
from jose.assertion import HEADER
from jose.assertion_middleware import assertion_of

BASE = "/api/identity"
MAX_BODY = 64 * 1024
PAGE = 50
MOST = 200
LONGEST_NAME = 100
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_UUID: dict[str, object] = {"type": "string", "format": "uuid"}
_PAGING = (("after", "`next` of the page before"), ("limit", f"at most {MOST}, otherwise {PAGE}"))
_API = Api(
    title="Munjigi identity administration",
    description=f"Reached through the gateway, which adds {HEADER}; for administrators, within their organisations.",
    base=BASE,
    path_schemas=(
        ("user_id", _UUID),
        ("organisation_id", _UUID),
        ("delivery_id", _UUID),
        ("channel", {"enum": list(CHANNELS)}),
    ),
)
Body = TypeVar("Body", bound=msgspec.Struct)
Endpoint = Callable[[Request, Administrator], Awaitable[Response]]


class IdentityApi:
    """What stands under `/api/identity`."""

    def __init__(self, admission: Admission, reading: Reading, acts: Acts) -> None:
        self._admission = admission
        self._reading = reading
        self._acts = acts
        named = ("name", "part of a display name or login name")
        self._operations: dict[Operation, Endpoint] = {
            Operation("GET", "/people", "Find people", PersonList, query=(named, *_PAGING)): self.people,
            Operation("GET", "/people/{user_id}", "Show one person", PersonDocument): self.person,
            Operation(
                "GET", "/people/{user_id}/sign-ins", "What came of their sign-ins", SignInList, query=_PAGING
            ): self.sign_ins,
            Operation("POST", "/people/{user_id}/lock", "Lock an account", PersonDocument, AskedOfVersion): self.lock,
            Operation("POST", "/people/{user_id}/unlock", "Unlock it", PersonDocument, AskedOfVersion): self.unlock,
            Operation(
                "GET",
                "/sessions",
                "List live sessions, the newest first",
                SessionList,
                query=(named, ("organisation", "its id"), ("place", "a code"), *_PAGING),
            ): self.sessions,
            Operation("POST", "/sessions/{sid}/end", "End a session", Ended, Asked): self.end,
            Operation("GET", "/organisations", "List your organisations", OrganisationList): self.organisations,
            Operation("GET", "/organisations/{organisation_id}", "Show one", OrganisationDocument): self.organisation,
            Operation(
                "PUT", "/organisations/{organisation_id}", "Change one", OrganisationDocument, OrganisationRequest
            ): self.change_organisation,
            Operation(
                "GET",
                "/deliveries/{channel}",
                "List what was to be told, the newest first",
                DeliveryList,
                query=(("state", f"{', '.join(STATES)}; otherwise dead"), *_PAGING),
            ): self.deliveries,
            Operation(
                "POST", "/deliveries/{channel}/{delivery_id}/retry", "Try a dead letter again", Retried, Asked
            ): self.retry,
        }
        self._document = msgspec.json.encode(document(_API, list(self._operations)))

    def routes(self) -> list[BaseRoute]:
        by_path: dict[str, dict[str, Endpoint]] = {}
        for operation, endpoint in self._operations.items():
            by_path.setdefault(BASE + operation.path, {})[operation.method] = endpoint
        by_path[f"{BASE}/openapi.json"] = {"GET": self.openapi}
        return [Route(path, self._guarded(endpoints), methods=_METHODS) for path, endpoints in by_path.items()]

    async def people(self, request: Request, who: Administrator) -> Response:
        return answer(await self._reading.list_people(who, _name(request), _page(request)))

    async def person(self, request: Request, who: Administrator) -> Response:
        return answer(await self._reading.person(who, _path_uuid(request, "user_id")))

    async def sign_ins(self, request: Request, who: Administrator) -> Response:
        return answer(await self._reading.list_sign_ins(who, _path_uuid(request, "user_id"), _page(request)))

    async def lock(self, request: Request, who: Administrator) -> Response:
        asked = await _read(request, AskedOfVersion)
        return answer(await self._acts.lock(who, _path_uuid(request, "user_id"), asked.version, asked.why))

    async def unlock(self, request: Request, who: Administrator) -> Response:
        asked = await _read(request, AskedOfVersion)
        return answer(await self._acts.unlock(who, _path_uuid(request, "user_id"), asked.version, asked.why))

    async def sessions(self, request: Request, who: Administrator) -> Response:
        organisation = request.query_params.get("organisation")
        return answer(
            await self._reading.list_sessions(
                who,
                organisation=_uuid(organisation, "organisation") if organisation else None,
                name=_name(request),
                place=request.query_params.get("place"),
                page=_page(request),
            )
        )

    async def end(self, request: Request, who: Administrator) -> Response:
        asked = await _read(request, Asked)
        return answer(await self._acts.end_session(who, request.path_params["sid"], asked.why))

    async def organisations(self, _request: Request, who: Administrator) -> Response:
        return answer(await self._reading.list_organisations(who))

    async def organisation(self, request: Request, who: Administrator) -> Response:
        return answer(await self._reading.organisation(who, _path_uuid(request, "organisation_id")))

    async def change_organisation(self, request: Request, who: Administrator) -> Response:
        asked = await _read(request, OrganisationRequest)
        organisation_id = _path_uuid(request, "organisation_id")
        return answer(await self._acts.change_organisation(who, organisation_id, asked))

    async def deliveries(self, request: Request, who: Administrator) -> Response:
        return answer(await self._reading.list_deliveries(who, _channel(request), _state(request), _page(request)))

    async def retry(self, request: Request, who: Administrator) -> Response:
        asked = await _read(request, Asked)
        channel, ident = _channel(request), _path_uuid(request, "delivery_id")
        await self._acts.retry(who, channel, ident, asked.why)
        return answer(Retried(channel, ident))

    async def openapi(self, _request: Request, _who: Administrator) -> Response:
        return Response(self._document, media_type="application/json")

    def _guarded(self, endpoints: dict[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
        """One address: an administrator first, then the method."""

        async def endpoint(request: Request) -> Response:
            who = await self._admission.admit(assertion_of(request).subject, correlation_id(request))
            chosen = endpoints.get("GET" if request.method == "HEAD" else request.method)
            if chosen is None:
                raise Problem(problems.WRONG_METHOD, headers={"Allow": ", ".join(sorted(endpoints))})
            return await chosen(request, who)

        return endpoint


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """What the router answers where it knows no route."""
    raise Problem(problems.NOT_FOUND)


def answer(content: msgspec.Struct) -> Response:
    """JSON that no cache keeps."""
    encoded = msgspec.json.encode(content)
    return Response(encoded, media_type="application/json", headers={"Cache-Control": "no-store"})


async def _read(request: Request, kind: type[Body]) -> Body:
    """The body as one type; only JSON, which no foreign page can send without being asked first (Fetch, CORS)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Problem(problems.NOT_JSON)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Problem(problems.TOO_LARGE)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(problems.NOT_UNDERSTOOD, str(error)) from error


def _page(request: Request) -> Page:
    limit = request.query_params.get("limit", str(PAGE))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 4 and 0 < int(limit) <= MOST):
        raise Problem(problems.NOT_UNDERSTOOD, f"limit: a number from 1 to {MOST} is expected")
    return Page(after=request.query_params.get("after", ""), limit=int(limit))


def _name(request: Request) -> str:
    name = request.query_params.get("name", "").strip()
    if len(name) > LONGEST_NAME or "\0" in name:
        raise Problem(problems.NOT_UNDERSTOOD, f"name: at most {LONGEST_NAME} characters")
    return name


def _path_uuid(request: Request, name: str) -> UUID:
    try:
        return UUID(request.path_params[name])
    except ValueError:
        raise Problem(problems.NOT_FOUND) from None


def _uuid(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Problem(problems.NOT_UNDERSTOOD, f"{name}: an id is expected") from None


def _channel(request: Request) -> Channel:
    for channel in CHANNELS:
        if channel == request.path_params["channel"]:
            return channel
    raise Problem(problems.NOT_FOUND)


def _state(request: Request) -> DeliveryState:
    asked = request.query_params.get("state", "dead")
    for state in STATES:
        if state == asked:
            return state
    raise Problem(problems.NOT_UNDERSTOOD, f"state: one of {', '.join(STATES)} is expected")
