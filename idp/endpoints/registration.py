"""Dynamic registration of clients (RFC 7591) and their management by themselves (RFC 7592).

`POST /register` may be nobody's, everybody's, or theirs who have an initial access token. What is refused has used
nothing up: an initial access token counts down in the transaction that keeps the client.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import AuditEvent, Kind, record
from config.clock import Clock
from config.connections import Database, Transaction, Valkey
from config.problem import Problem, ProblemType
from config.web import correlation_id
from events.outbox import poke
from idp.clients.invalid import InvalidRegistration
from idp.clients.register import ClientRegister, InitialAccessToken, InitialAccessTokens, Registered, hash_token
from idp.clients.registrar import Issued, Registrar
from idp.clients.registration import Terms, read_registration, registered_members
from idp.credentials.throttle import Allowance, Throttle, address_subject
from idp.endpoints.client_requests import ClientRequests, address
from idp.endpoints.json_object import read_json_object
from idp.endpoints.oauth_answers import NO_STORE, bearer_error, error_body, oauth_answer
from idp.endpoints.parameters import Unreadable
from idp.endpoints.whereabouts import client_ip

NOT_OFFERED = ProblemType(
    "MJ-IDP-064",
    HTTPStatus.NOT_FOUND,
    "Clients do not register themselves here",
    "Ask an administrator of your organisation to register the client.",
)
REGISTRATIONS_OF_ADDRESS: Final = Allowance("registration-address", 60, 3600)
"""Clients that an address registers, and attempts to; whoever has a token for it is bounded by that."""
TOKENS_OF_ADDRESS: Final = Allowance("registration-token-address", 100, 900)
"""Tokens that were not good."""
CHANGES_OF_ADDRESS: Final = Allowance("registration-change-address", 60, 3600)
"""Changes: each is told to every node, put on record, and may have another machine asked for a document."""
LONGEST_TOKEN = 256
_NOT_SENT_BACK: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)
"""Members of an answer that a change must not hold (RFC 7592, section 2.2)."""

Mode = Literal["off", "token", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationEndpoint:
    """`POST /register`, and `GET`, `PUT` and `DELETE /register/{client_id}`."""

    mode: Mode
    terms: Terms
    """Of whoever is no administrator."""
    issuer: str
    registrar: Registrar
    register: ClientRegister
    initial_tokens: InitialAccessTokens
    requests: ClientRequests
    throttle: Throttle
    database: Database
    valkey: Valkey
    clock: Clock

    async def __call__(self, request: Request) -> Response:
        """`POST /register`."""
        self._refuse_where_it_is_not_offered()
        subject = address_subject(client_ip(request))
        await self.throttle.attempt(REGISTRATIONS_OF_ADDRESS, subject)
        token = _bearer(request)
        if token is None and (self.mode == "token" or "authorization" in request.headers):
            return await self._not_let(request)
        initial = await self._initial(token)
        if token is not None and initial is None:
            return await self._not_let(request)
        try:
            issued = await self._add(request, token, initial)
        except (InvalidRegistration, Unreadable) as error:
            return await self._refused(request, error)
        if issued is None:  # others used it up meanwhile
            return await self._not_let(request)
        if initial is not None:
            await self.throttle.was_right(REGISTRATIONS_OF_ADDRESS, subject)
        await poke(self.valkey)
        return oauth_answer(self._information(issued), status=HTTPStatus.CREATED)

    async def managed(self, request: Request) -> Response:
        """`GET`, `PUT` and `DELETE /register/{client_id}`."""
        self._refuse_where_it_is_not_offered()
        subject = address_subject(client_ip(request))
        await self.throttle.attempt(TOKENS_OF_ADDRESS, subject)
        token = _bearer(request)
        async with self.database.connect() as tx:
            found = await self._own(tx, request, token)
        if found is None or token is None:
            return await self._not_let(request)
        await self.throttle.was_right(TOKENS_OF_ADDRESS, subject)
        if request.method == "PUT":
            await self.throttle.attempt(CHANGES_OF_ADDRESS, subject)
            return await self._change(request, token, found)
        if request.method == "DELETE":
            return await self._remove(request, token)
        return oauth_answer(self._information(Issued(registered=found, token=token)))

    async def _initial(self, token: str | None) -> InitialAccessToken | None:
        if token is None:
            return None
        async with self.database.connect() as tx:
            return await self.initial_tokens.find(tx, hash_token(token), self.clock.now())

    async def _add(self, request: Request, token: str | None, initial: InitialAccessToken | None) -> Issued | None:
        asked = await read_json_object(request)
        organisation_id = initial.organisation_id if initial is not None else None
        client = await self.registrar.read(asked, self.terms, organisation_id=organisation_id)
        now = self.clock.now()
        async with self.database.begin() as tx:
            if token is not None and await self.initial_tokens.use(tx, hash_token(token), now) is None:
                return None
            issued = await self.registrar.add(tx, client, now, own_token=True)
            assert issued is not None, "its id is of chance"
            by = {"initial_access_token": str(initial.id)} if initial is not None else {}
            organisation = {"organisation_id": str(organisation_id)} if organisation_id is not None else {}
            await self._record(tx, request, Kind.CLIENT_REGISTERED, client.client_id, {**by, **organisation})
        return issued

    async def _change(self, request: Request, token: str, found: Registered) -> Response:
        try:
            asked = await read_json_object(request)
            _check_sent_back(asked, found)
            await self.registrar.read(asked, self.terms, current=found.client)
            async with self.database.begin() as tx:
                claimed = await self._own(tx, request, token, claim=True)
                if claimed is not None:
                    # read anew: an administrator may have decided otherwise meanwhile
                    client = read_registration(
                        asked, self.terms, client_id=claimed.client.client_id, current=claimed.client
                    )
                    issued = await self.registrar.change(tx, claimed, client, self.clock.now(), new_token=True)
                    await self._record(tx, request, Kind.CLIENT_CHANGED, client.client_id, {})
        except (InvalidRegistration, Unreadable) as error:
            return await self._refused(request, error)
        if claimed is None:
            return await self._not_let(request)
        await poke(self.valkey)
        return oauth_answer(self._information(issued))

    async def _remove(self, request: Request, token: str) -> Response:
        async with self.database.begin() as tx:
            found = await self._own(tx, request, token)
            if found is not None and await self.registrar.remove(tx, found.client.client_id):
                await self._record(tx, request, Kind.CLIENT_REMOVED, found.client.client_id, {})
        if found is None:
            return await self._not_let(request)
        await poke(self.valkey)
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=dict(NO_STORE))

    async def _own(
        self, tx: Transaction, request: Request, token: str | None, *, claim: bool = False
    ) -> Registered | None:
        """The client of the path, if the token is its own; who is switched off is found by administrators alone."""
        client_id: str = request.path_params["client_id"]
        found = None if "\0" in client_id else await self.register.find(tx, client_id, claim=claim)
        kept = found.token_hash if found is not None and found.client.enabled else None
        presented = hash_token(token or "")
        if not hmac.compare_digest(presented, kept or bytes(len(presented))) or kept is None:
            return None
        return found

    def _information(self, issued: Issued) -> Mapping[str, object]:
        """RFC 7591, section 3.2.1; RFC 7592, section 3. A secret that is kept as a hash is told once."""
        registered = issued.registered
        secret = {"client_secret": issued.secret, "client_secret_expires_at": 0} if issued.secret is not None else {}
        return {
            **registered_members(registered.client),
            **secret,
            "client_id_issued_at": int(registered.created_at.timestamp()),
            "registration_access_token": issued.token,
            "registration_client_uri": f"{self.issuer}/register/{registered.client.client_id}",
        }

    async def _refused(self, request: Request, error: InvalidRegistration | Unreadable) -> Response:
        code, said = "invalid_client_metadata", str(error)
        if isinstance(error, InvalidRegistration):
            code, said = error.error, error.description
        await self.requests.refused(request, Kind.REGISTRATION_REFUSED, details={"error": code})
        return oauth_answer(error_body(request, code, said), status=HTTPStatus.BAD_REQUEST)

    async def _not_let(self, request: Request) -> Response:
        token = "authorization" in request.headers
        await self.requests.refused(request, Kind.REGISTRATION_REFUSED, details={"error": "invalid_token"})
        return bearer_error(request, "invalid_token" if token else None)

    async def _record(
        self, tx: Transaction, request: Request, kind: Kind, client_id: str, details: Mapping[str, object]
    ) -> None:
        event = AuditEvent(
            kind=kind,
            correlation_id=correlation_id(request),
            actor=client_id,
            subject=client_id,
            ip=address(request),
            details=details,
        )
        await record(tx, event)

    def _refuse_where_it_is_not_offered(self) -> None:
        if self.mode == "off":
            raise Problem(NOT_OFFERED)


def _check_sent_back(asked: Mapping[str, object], found: Registered) -> None:
    """RFC 7592, section 2.2: the client names itself, and what is ours to give it does not choose."""
    if asked.get("client_id") != found.client.client_id:
        raise InvalidRegistration("invalid_client_metadata", "client_id must be the client's own")
    for name in _NOT_SENT_BACK:
        if name in asked:
            raise InvalidRegistration("invalid_client_metadata", f"{name} is not the client's to send")
    secret = asked.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and found.client.has_secret(secret)):
        raise InvalidRegistration("invalid_client_metadata", "client_secret is not the one that was issued")


def _bearer(request: Request) -> str | None:
    """The token of the one Authorization header (RFC 6750, section 2.1)."""
    headers = request.headers.getlist("authorization")
    scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
    sound = scheme.lower() == "bearer" and 0 < len(token.strip()) <= LONGEST_TOKEN
    return token.strip() if sound else None
