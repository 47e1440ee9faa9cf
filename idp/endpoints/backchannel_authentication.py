"""`POST /bc-authorize` (OpenID Connect CIBA Core 1.0, section 7): a client asks for a person who is somewhere else.

It is answered the same, and as quickly, whether or not its hint names somebody: a request that names nobody waits like
any other until its time is over (section 13 would have `unknown_user_id` tell accounts from other names). What depends
on the person, their mail, is only marked as due with the request itself, and written after the answer was sent.
"""

from __future__ import annotations

from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, UnauthorizedClientError
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from audit.trail import AuditEvent, Kind, record
from config.clock import Clock
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.web import correlation_id
from idp.authorization.trust import Parameters, RequestError
from idp.clients.client import Client
from idp.credentials.throttle import (
    BACKCHANNEL_OF_CLIENT,
    BACKCHANNEL_OF_PERSON,
    BACKCHANNEL_OF_PERSON_BY_CLIENT,
    Throttle,
)
from idp.directory.account import Account, Directory
from idp.directory.login_name import normalise
from idp.endpoints.backchannel_notices import BackchannelNotices
from idp.endpoints.client_requests import ClientRequest, ClientRequests, address
from idp.endpoints.id_token_hints import IdTokenHints
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.oauth_answers import error_body, oauth_answer, oauth_error
from idp.endpoints.request_objects import RequestObjects
from idp.grants.ciba import CIBA
from idp.grants.pending import CODE_SIZE, INTERVAL, PendingGrant, PendingGrants, code_hash, tell
from idp.protocol import backchannel, resource
from idp.protocol.backchannel import BackchannelRequest, InvalidRequest
from idp.resources.described_servers import DescribedCache


class BackchannelAuthenticationEndpoint:
    """Keeps what waits, and tells its person."""

    def __init__(
        self,
        *,
        requests: ClientRequests,
        objects: RequestObjects,
        hints: IdTokenHints,
        described: DescribedCache,
        pending: PendingGrants,
        directory: Directory,
        notices: BackchannelNotices,
        throttle: Throttle,
        database: Database,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._requests = requests
        self._objects = objects
        self._hints = hints
        self._described = described
        self._pending = pending
        self._directory = directory
        self._notices = notices
        self._throttle = throttle
        self._database = database
        self._clock = clock
        self._entropy = entropy

    async def __call__(self, request: Request) -> Response:
        try:
            asked = await self._requests.read(request, "bc-authorize")
            _admit(asked.client)
            await self._throttle.attempt(BACKCHANNEL_OF_CLIENT, asked.client.client_id)
            checked = backchannel.check(
                await self._parameters(asked),
                scope=asked.client.scopes,
                resources=asked.client.metadata.resources,
                described=await self._described.of(asked.client),
                default_acr_values=asked.client.metadata.default_acr_values,
            )
            name = self._name(checked, asked.client)
        except OAuth2Error as error:
            return oauth_error(request, error)
        except InvalidRequest as error:
            return oauth_answer(error_body(request, error.error, error.description), status=400)
        async with self._database.connect() as tx:
            account = await self._account(tx, name)
        await self._throttle.attempt_all(
            [
                (BACKCHANNEL_OF_PERSON_BY_CLIENT, f"{asked.client.client_id}\0{_counted(account, name)}"),
                (BACKCHANNEL_OF_PERSON, _counted(account, name)),
            ]
        )
        auth_req_id, request_id = self._entropy.token(CODE_SIZE), self._entropy.uuid()
        await self._keep(request, asked.client, checked, account, auth_req_id, request_id)
        answer = oauth_answer(
            {
                "auth_req_id": auth_req_id,
                "expires_in": int(checked.lifetime.total_seconds()),
                "interval": int(INTERVAL.total_seconds()),
            }
        )
        answer.background = BackgroundTask(self._notices.tell, request_id)
        return answer

    async def _parameters(self, asked: ClientRequest) -> Parameters:
        """Where they really stand. Raises `InvalidRequestError`: a client that signs signs all of its requests."""
        signed, client = asked.form.get("request"), asked.client
        plain = [*asked.form.items(), *((resource.PARAMETER, value) for value in asked.resources)]
        if (signed is not None) != (client.metadata.backchannel_authentication_request_signing_alg is not None):
            raise InvalidRequestError(
                "the request is to be signed where the client registered an algorithm for that, and not otherwise"
            )
        if signed is None:
            return plain
        if beside := sorted(backchannel.PARAMETERS & {name for name, _ in plain}):
            raise InvalidRequestError(f"{beside[0]} stands beside the request object that should hold it")
        try:
            return await self._objects.signed_backchannel(signed, client)
        except RequestError as error:
            raise InvalidRequestError(error.description) from None

    def _name(self, checked: BackchannelRequest, client: Client) -> str | UUID:
        """By what the person is to be found. Raises `InvalidRequest`.

        An ID token that is not of ours, or not of this client, names nobody, and says nothing of anybody's account.
        """
        if checked.hint_kind == "login_hint":
            return normalise(checked.hint) or ""
        hint = self._hints.read(checked.hint)
        named = self._hints.named_by(client)(checked.hint) if hint and hint.client_id == client.client_id else None
        try:
            return UUID(named)
        except (TypeError, ValueError):
            raise InvalidRequest("unknown_user_id", "id_token_hint is not an ID token of this client") from None

    async def _account(self, tx: Transaction, name: str | UUID) -> Account | None:
        """The person, if they could answer: who may not sign in is as unknown as a name that nobody has."""
        if isinstance(name, UUID):
            found = await self._directory.account(tx, name)
        else:
            found = await self._directory.account_by_login_name(tx, name)
        return found if found is not None and found.may_sign_in else None

    async def _keep(
        self,
        request: Request,
        client: Client,
        checked: BackchannelRequest,
        account: Account | None,
        auth_req_id: str,
        request_id: UUID,
    ) -> None:
        now, asked_of = self._clock.now(), account.id if account is not None else None
        pending = PendingGrant(
            kind="backchannel",
            code_hash=code_hash(auth_req_id),
            request_id=request_id,
            client_id=client.client_id,
            scope=checked.scope,
            user_id=None,
            asked_of=asked_of,
            binding_message=checked.binding_message,
            acr_values=checked.acr_values,
            resources=checked.resources,
            came_from=visitor(request, None).told(),
            created_at=now,
            expires_at=now + checked.lifetime,
            interval=INTERVAL,
            tell_as=correlation_id(request),
        )
        async with self._database.begin() as tx:
            await self._pending.add(tx, pending)
            await tell(tx, pending)
            event = AuditEvent(
                kind=Kind.BACKCHANNEL_ASKED,
                correlation_id=correlation_id(request),
                actor=client.client_id,
                subject=str(asked_of or ""),
                ip=address(request),
            )
            await record(tx, event)


def _admit(client: Client) -> None:
    """A client of the FAPI 2.0 profile is let in, too: FAPI-CIBA is a profile of its own, and not claimed here."""
    if CIBA not in client.grant_types:
        raise UnauthorizedClientError("the client has not registered this grant_type")
    if client.auth_method == "none":
        raise UnauthorizedClientError("a public client proves nothing, so nobody is asked for it")


def _counted(account: Account | None, name: str | UUID) -> str:
    """Whose requests are counted together; a name that nobody has is counted like any other."""
    return str(account.id) if account is not None else f"?{name}"
