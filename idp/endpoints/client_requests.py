"""The phases that all endpoints share which clients post to: read the form, find the client, let it prove itself."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from starlette.requests import Request

from audit.trail import AuditEvent, Kind, record
from config.client_address import normal_text
from config.connections import Database
from config.web import correlation_id
from idp.clients.authentication import CoreRequest, presented_assertion, presented_client
from idp.clients.cache import ClientCache
from idp.clients.client import Client
from idp.credentials.throttle import REFUSALS_OF_ADDRESS, Throttle, TooMany, address_subject
from idp.endpoints.client_certificate import client_certificate
from idp.endpoints.client_proofs import ClientProofs
from idp.endpoints.parameters import Unreadable, once_each, read_form
from idp.protocol import resource

MOST_PROVEN: Final = 4096
"""Headers that are remembered as proofs."""
_PROOFS: Final = frozenset(("client_secret", "client_assertion", "client_assertion_type"))
"""Fields of a form that are a proof, or part of one."""


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A form that was posted by a client which has proven itself."""

    form: dict[str, str]
    client: Client
    uri: str
    """Of the endpoint."""
    resources: tuple[str, ...] = ()
    """`resource` (RFC 8707), the one parameter that may stand several times."""

    @property
    def core(self) -> CoreRequest:
        """The request, as Authlib's core reads it."""
        return CoreRequest.proven(self.uri, self.form, self.client)

    def refuse_details(self) -> None:
        """Of a request for tokens, or for leave to ask for them. Raises `UnknownDetails`."""
        if "authorization_details" in self.form:
            raise UnknownDetails

    def required(self, name: str) -> str:
        """A field of the form that must be there. Raises Authlib's `InvalidRequestError`."""
        value = self.form.get(name)
        if value is None:
            raise InvalidRequestError(f"{name} is missing")
        return value


class UnknownDetails(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """Whoever asks for `authorization_details` counts on them, and none are known here (RFC 9396, section 5)."""

    error = "invalid_authorization_details"

    def __init__(self) -> None:
        super().__init__("no type of authorization_details is known here")


class ClientRequests:
    """Reads and authenticates, for one issuer."""

    def __init__(
        self, issuer: str, clients: ClientCache, database: Database, throttle: Throttle, proofs: ClientProofs
    ) -> None:
        self._issuer = issuer
        self._clients = clients
        self._database = database
        self._throttle = throttle
        self._proofs = proofs
        self._proven: OrderedDict[tuple[bytes, str], Client] = OrderedDict()
        """Clients that have proven themselves by HTTP Basic, by the digest of their header and by endpoint."""

    async def read(self, request: Request, endpoint: str) -> ClientRequest:
        """Raises Authlib's `OAuth2Error`: the form cannot be read, or the client did not prove itself."""
        try:
            parameters = await read_form(request)
            form = once_each([(name, value) for name, value in parameters if name != resource.PARAMETER])
        except Unreadable as error:
            raise InvalidRequestError(str(error)) from None
        resources = tuple(value for name, value in parameters if name == resource.PARAMETER and value)
        return await self._authenticated(request, endpoint, form, resources)

    async def by_header(self, request: Request, endpoint: str) -> Client:
        """The client of a request whose body is no form: it proves itself by HTTP Basic (RFC 6749, section 2.3.1).

        Raises Authlib's `OAuth2Error`.
        """
        return (await self._authenticated(request, endpoint, {})).client

    async def _authenticated(
        self, request: Request, endpoint: str, form: dict[str, str], resources: tuple[str, ...] = ()
    ) -> ClientRequest:
        header = request.headers.getlist("authorization")
        if len(header) > 1:
            raise InvalidRequestError("there is more than one Authorization header")
        authorization = header[0] if header else None
        uri = self._issuer + "/" + endpoint
        remembered = await self._remembered(authorization, endpoint, form)
        if remembered is not None:
            return ClientRequest(form, remembered, uri, resources)
        assertion = presented_assertion(form)
        client_id, basic = presented_client(form, authorization, assertion)
        known = await self._clients.find(client_id) if client_id else None
        try:
            client = await self._proofs.check(
                CoreRequest(uri, form, basic), known, endpoint, assertion, client_certificate(request)
            )
        except InvalidClientError:
            if known is not None:
                await self.refused(
                    request, Kind.CLIENT_REFUSED, subject=known.client_id, details={"endpoint": endpoint}
                )
            # which of the two was wrong, the name or the secret, is nobody's business
            raise InvalidClientError("the client did not prove itself", status_code=401) from None
        if authorization is not None and client.auth_method == "client_secret_basic":  # others prove nothing by it
            self._remember(authorization, endpoint, client)
        return ClientRequest(form, client, uri, resources)

    def _remember(self, authorization: str, endpoint: str, client: Client) -> None:
        """A header proves a client for as long as what is registered of it stays as it is."""
        self._proven[_digest(authorization), endpoint] = client
        while len(self._proven) > MOST_PROVEN:
            self._proven.popitem(last=False)

    async def _remembered(self, authorization: str | None, endpoint: str, form: Mapping[str, str]) -> Client | None:
        """The client whose proof this header is known to be, where nothing else of the request speaks of a proof."""
        if authorization is None or not _PROOFS.isdisjoint(form):
            return None
        client = self._proven.get((_digest(authorization), endpoint))
        if client is None or form.get("client_id", client.client_id) != client.client_id:
            return None
        return client if await self._clients.find(client.client_id) is client else None

    async def refused(
        self, request: Request, kind: Kind, *, actor: str = "", subject: str = "", details: Mapping[str, object]
    ) -> None:
        """Record a refusal. Anybody can cause one, so that an address has only so many recorded one by one.

        Raises `CANNOT_COUNT` where they cannot be counted.
        """
        try:
            await self._throttle.attempt(REFUSALS_OF_ADDRESS, address_subject(address(request) or ""))
        except TooMany as problem:
            if not problem.first:
                return
            kind = Kind.THROTTLED
        async with self._database.begin() as tx:
            event = AuditEvent(
                kind=kind,
                correlation_id=correlation_id(request),
                actor=actor,
                subject=subject,
                ip=address(request),
                details=details,
            )
            await record(tx, event)


def _digest(authorization: str) -> bytes:
    """What is kept of a header: the secret in it is 256 bits of chance (`hash_secret`)."""
    return hashlib.sha256(authorization.encode()).digest()


def address(request: Request) -> str | None:
    """The address at the other end as PostgreSQL has it, None over a unix socket.

    An IPv4 address in the form of IPv6 is the IPv4 address; the interface of a link-local one is left out.
    """
    peer = request.scope.get("client")  # `Request.client` makes a value of its own each time
    return normal_text(peer[0]) if peer and peer[0] else None
