"""The pushed authorization request endpoint (RFC 9126): a client hands its request in, and gets a reference to it."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from starlette.requests import Request
from starlette.responses import Response

from config.clock import Clock
from config.connections import Database
from config.entropy import Entropy
from config.problem import Problem
from idp.authorization.checks import Carriage, check
from idp.authorization.pushed import PREFIX, REFERENCE_SIZE, PushedRequest, PushedRequests, reference_hash
from idp.authorization.request import AuthorizationRequest
from idp.authorization.trust import RequestError
from idp.clients.client import Client
from idp.credentials.throttle import Allowance, Throttle, address_subject
from idp.endpoints.client_requests import ClientRequest, ClientRequests
from idp.endpoints.id_token_hints import IdTokenHints
from idp.endpoints.key_proofs import KeyProofs
from idp.endpoints.oauth_answers import error_body, oauth_answer, oauth_error
from idp.endpoints.request_objects import RequestObjects
from idp.endpoints.whereabouts import client_ip
from idp.protocol import resource
from idp.resources.described_servers import DescribedCache

PUSHES_OF_CLIENT = Allowance("push-client", 6000, 60)
"""Of one that proved itself: it pushes for all of its people."""
PUSHES_OF_ADDRESS = Allowance("push-address", 600, 60)
"""Of clients that prove nothing: each request is a row, whoever asks."""

_CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


class PushedAuthorizationRequestEndpoint:
    """`POST /par`."""

    def __init__(
        self,
        *,
        requests: ClientRequests,
        objects: RequestObjects,
        hints: IdTokenHints,
        described: DescribedCache,
        proofs: KeyProofs,
        pushed: PushedRequests,
        throttle: Throttle,
        database: Database,
        clock: Clock,
        entropy: Entropy,
        lifetime: timedelta,
    ) -> None:
        self._requests = requests
        self._objects = objects
        self._hints = hints
        self._described = described
        self._proofs = proofs
        self._pushed = pushed
        self._throttle = throttle
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._lifetime = lifetime

    async def __call__(self, request: Request) -> Response:
        try:
            asked = await self._requests.read(request, "par")
            await self._admit(request, asked.client)
            checked = await self._checked(request, asked)
        except OAuth2Error as error:
            return oauth_error(request, error, headers=self._proofs.headers(request))
        except RequestError as error:
            return oauth_answer(error_body(request, error.error, error.description), status=400)
        except Problem as problem:
            return _told(request, problem)
        reference = PREFIX + self._entropy.token(REFERENCE_SIZE)
        await self._keep(reference, checked)
        lifetime = int(self._lifetime.total_seconds())
        answer = {"request_uri": reference, "expires_in": lifetime}
        return oauth_answer(answer, status=201, headers=self._proofs.headers(request))

    async def _admit(self, request: Request, client: Client) -> None:
        if client.auth_method == "none":
            await self._throttle.attempt(PUSHES_OF_ADDRESS, address_subject(client_ip(request)))
        else:
            await self._throttle.attempt(PUSHES_OF_CLIENT, client.client_id)

    async def _checked(self, request: Request, asked: ClientRequest) -> AuthorizationRequest:
        """What the authorization endpoint would check, and with the same result."""
        client, form = asked.client, asked.form
        if "request_uri" in form:
            raise InvalidRequestError("request_uri may not be pushed")
        if form.get("client_id", client.client_id) != client.client_id:
            raise InvalidRequestError("client_id is another client's")
        parameters = [
            ("client_id", client.client_id),
            *((name, value) for name, value in form.items() if name != "client_id" and name not in _CREDENTIALS),
            *((resource.PARAMETER, value) for value in asked.resources),
        ]
        said, signed = await self._objects.unfolded(parameters, client, client_ip(request))
        checked = check(
            said,
            client,
            self._hints.named_by(client),
            Carriage(pushed=True, signed=signed),
            described=await self._described.of(client),
            called=self._hints.called_by(client),
        )
        jkt = await self._proofs.of_push(request, client)
        if jkt is None:
            return checked
        if checked.dpop_jkt not in (None, jkt):
            raise InvalidRequestError("dpop_jkt is not the key that was proven")
        return msgspec.structs.replace(checked, dpop_jkt=jkt)

    async def _keep(self, reference: str, checked: AuthorizationRequest) -> None:
        digest = reference_hash(reference)
        assert digest is not None
        pushed = PushedRequest(
            client_id=checked.client_id, request=checked, expires_at=self._clock.now() + self._lifetime
        )
        async with self._database.begin() as tx:
            await self._pushed.add(tx, digest, pushed)


def _told(request: Request, problem: Problem) -> Response:
    """What a person would be told on a page, a client is told as JSON (section 2.3)."""
    status = problem.kind.status.value
    error = "invalid_request" if status == 400 else "temporarily_unavailable"
    body = error_body(request, error, problem.kind.title)
    return oauth_answer(body, status=status, headers=dict(problem.headers))
