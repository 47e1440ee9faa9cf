"""The endpoints, as one table that makes the routes and the OpenAPI document alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from config.openapi import Api, Details, Operation, document
from config.problem import Problem
from config.web import correlation_id
from idp.administration import problems
from idp.administration.acts import Acts
from idp.administration.asked import (
    MOST,
    PAGE,
    as_uuid,
    asked_channel,
    asked_name,
    asked_page,
    asked_sid,
    asked_state,
    asked_text,
    path_uuid,
    read_body,
)
from idp.administration.documents import (
    CHANNELS,
    STATES,
    Asked,
    AskedOfVersion,
    ChangeList,
    DeliveryList,
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
from idp.administration.entrance import FOR_SUPPORT, Admission
from idp.administration.person_acts import PersonActs
from idp.administration.reading import Reading
from idp.administration.scope import Administrator
from idp.administration.session_document import SessionDocument
from idp.rollout.phases import ACTS
from jose.assertion import HEADER
from jose.assertion_middleware import assertion_of

BASE = "/api/identity"
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
        ("transmitter_id", _UUID),
        ("token_id", _UUID),
        ("provider_id", _UUID),
        ("batch_id", _UUID),
        ("reset_id", _UUID),
        ("programme_id", _UUID),
        ("phase_id", _UUID),
        ("request_id", _UUID),
        ("cohort_id", _UUID),
        ("exception_id", _UUID),
        ("act", {"enum": list(ACTS)}),
        ("channel", {"enum": list(CHANNELS)}),
    ),
)
Endpoint = Callable[[Request, Administrator], Awaitable[Response]]


class IdentityApi:
    """What stands under `/api/identity`."""

    def __init__(
        self,
        admission: Admission,
        reading: Reading,
        acts: Acts,
        person_acts: PersonActs,
        more: Mapping[Operation, Endpoint],
        details: Mapping[Operation, Details],
    ) -> None:
        self._admission = admission
        self._reading = reading
        self._acts = acts
        self._person_acts = person_acts
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
                "POST",
                "/people/{user_id}/factors/reset",
                "Take away their second factors",
                PersonDocument,
                AskedOfVersion,
            ): self.reset_factors,
            Operation(
                "GET",
                "/sessions",
                "List live sessions, the newest first",
                SessionList,
                query=(named, ("organisation", "its id"), ("place", "a code"), *_PAGING),
            ): self.sessions,
            Operation("GET", "/sessions/{sid}", "Show one session, live or ended", SessionDocument): self.session,
            Operation("POST", "/sessions/{sid}/end", "End a session", Ended, Asked): self.end,
            Operation("GET", "/organisations", "List your organisations", OrganisationList): self.organisations,
            Operation("GET", "/organisations/{organisation_id}", "Show one", OrganisationDocument): self.organisation,
            Operation(
                "GET",
                "/organisations/{organisation_id}/changes",
                "What was changed of it, the newest first",
                ChangeList,
                query=_PAGING,
            ): self.changes,
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
            **more,
        }
        self._document = msgspec.json.encode(
            document(_API, list(self._operations), lambda one: details.get(one, Details()))
        )

    def routes(self) -> list[BaseRoute]:
        by_path: dict[str, dict[str, Endpoint]] = {}
        for operation, endpoint in self._operations.items():
            by_path.setdefault(BASE + operation.path, {})[operation.method] = endpoint
        by_path[f"{BASE}/openapi.json"] = {"GET": self.openapi}
        return [Route(path, self._guarded(path, endpoints), methods=_METHODS) for path, endpoints in by_path.items()]

    async def people(self, request: Request, who: Administrator) -> Response:
        return answer(await self._reading.list_people(who, asked_name(request), asked_page(request)))

    async def person(self, request: Request, who: Administrator) -> Response:
        return answer(await self._reading.person(who, path_uuid(request, "user_id")))

    async def sign_ins(self, request: Request, who: Administrator) -> Response:
        return answer(await self._reading.list_sign_ins(who, path_uuid(request, "user_id"), asked_page(request)))

    async def lock(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedOfVersion)
        return answer(await self._person_acts.lock(who, path_uuid(request, "user_id"), asked.version, asked.why))

    async def unlock(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedOfVersion)
        return answer(await self._person_acts.unlock(who, path_uuid(request, "user_id"), asked.version, asked.why))

    async def reset_factors(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, AskedOfVersion)
        user_id = path_uuid(request, "user_id")
        return answer(await self._person_acts.reset_factors(who, user_id, asked.version, asked.why))

    async def sessions(self, request: Request, who: Administrator) -> Response:
        organisation = request.query_params.get("organisation")
        return answer(
            await self._reading.list_sessions(
                who,
                organisation=as_uuid(organisation, "organisation") if organisation else None,
                name=asked_name(request),
                place=asked_text(request, "place"),
                page=asked_page(request),
            )
        )

    async def session(self, request: Request, who: Administrator) -> Response:
        return answer(await self._reading.session(who, asked_sid(request)))

    async def end(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, Asked)
        return answer(await self._acts.end_session(who, asked_sid(request), asked.why))

    async def organisations(self, _request: Request, who: Administrator) -> Response:
        return answer(await self._reading.list_organisations(who))

    async def organisation(self, request: Request, who: Administrator) -> Response:
        return answer(await self._reading.organisation(who, path_uuid(request, "organisation_id")))

    async def changes(self, request: Request, who: Administrator) -> Response:
        organisation_id = path_uuid(request, "organisation_id")
        return answer(await self._reading.list_changes(who, organisation_id, asked_page(request)))

    async def change_organisation(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, OrganisationRequest)
        organisation_id = path_uuid(request, "organisation_id")
        return answer(await self._acts.change_organisation(who, organisation_id, asked))

    async def deliveries(self, request: Request, who: Administrator) -> Response:
        return answer(
            await self._reading.list_deliveries(who, asked_channel(request), asked_state(request), asked_page(request))
        )

    async def retry(self, request: Request, who: Administrator) -> Response:
        asked = await read_body(request, Asked)
        channel, ident = asked_channel(request), path_uuid(request, "delivery_id")
        await self._acts.retry(who, channel, ident, asked.why)
        return answer(Retried(channel, ident))

    async def openapi(self, _request: Request, _who: Administrator) -> Response:
        return Response(self._document, media_type="application/json")

    def _guarded(self, path: str, endpoints: dict[str, Endpoint]) -> Callable[[Request], Awaitable[Response]]:
        """One address: whoever it is for first, then the method."""
        support = path.startswith(f"{BASE}{FOR_SUPPORT}/")

        async def endpoint(request: Request) -> Response:
            changing = request.method not in ("GET", "HEAD")
            who = await self._admission.admit(
                assertion_of(request).subject, correlation_id(request), changing=changing, support=support
            )
            chosen = endpoints.get("GET" if request.method == "HEAD" else request.method)
            if chosen is None:
                raise Problem(problems.WRONG_METHOD, headers={"Allow": ", ".join(sorted(endpoints))})
            return await chosen(request, who)

        return endpoint


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """What the router answers where it knows no route."""
    raise Problem(problems.NOT_FOUND)


def answer(content: msgspec.Struct, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """JSON that no cache keeps."""
    encoded = msgspec.json.encode(content)
    return Response(encoded, status, media_type="application/json", headers={"Cache-Control": "no-store"})
