"""The phases that all endpoints share which clients post to: read the form, find the client, let it prove itself."""

from __future__ import annotations

from dataclasses import dataclass

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError
from starlette.requests import Request

from audit.trail import AuditEvent, Kind, record
from config.connections import Database
from config.web import correlation_id
from idp.clients.authentication import CoreRequest, authenticate, presented_client_id
from idp.clients.cache import ClientCache
from idp.clients.client import Client
from idp.endpoints.parameters import Unreadable, once_each, read_form


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A form that was posted by a client which has proven itself."""

    form: dict[str, str]
    client: Client
    core: CoreRequest


class ClientRequests:
    """Reads and authenticates, for one issuer."""

    def __init__(self, issuer: str, clients: ClientCache, database: Database) -> None:
        self._issuer = issuer
        self._clients = clients
        self._database = database

    async def read(self, request: Request, endpoint: str) -> ClientRequest:
        """Raises Authlib's `OAuth2Error`: the form cannot be read, or the client did not prove itself."""
        try:
            form = once_each(await read_form(request))
        except Unreadable as error:
            raise InvalidRequestError(str(error)) from None
        header = request.headers.getlist("authorization")
        if len(header) > 1:
            raise InvalidRequestError("there is more than one Authorization header")
        authorization = header[0] if header else None
        client_id = presented_client_id(form, authorization)
        known = await self._clients.find(client_id) if client_id and len(client_id) <= 256 else None
        core = CoreRequest(self._issuer + "/" + endpoint, form, authorization)
        try:
            client = authenticate(core, known, endpoint)
        except InvalidClientError:
            if known is not None:
                await self._refused(request, known, endpoint)
            # which of the two was wrong, the name or the secret, is nobody's business
            raise InvalidClientError("the client did not prove itself", status_code=401) from None
        return ClientRequest(form, client, core)

    async def _refused(self, request: Request, client: Client, endpoint: str) -> None:
        async with self._database.begin() as tx:
            await record(
                tx,
                AuditEvent(
                    kind=Kind.CLIENT_REFUSED,
                    correlation_id=correlation_id(request),
                    subject=client.client_id,
                    ip=address(request),
                    details={"endpoint": endpoint},
                ),
            )


def address(request: Request) -> str | None:
    """The address at the other end, None over a unix socket."""
    return request.client.host if request.client else None
